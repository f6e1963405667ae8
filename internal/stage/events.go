package stage

import (
	"context"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// Event is something that happened to a container of the stage.
type Event struct {
	Action string // "start", "die", …
	Name   string // the container's short name
	At     time.Time
	Err    error // set on the last one, when the stream broke
}

// Events sends what happens to the stage's containers until ctx ends or the
// stream breaks; then the channel is closed.
func (s *Stage) Events(ctx context.Context) <-chan Event {
	out := make(chan Event, 256)
	mine := filters.NewArgs(filters.Arg("type", "container"), filters.Arg("label", labelKey+"="+s.id))
	messages, failed := s.docker.Events(ctx, events.ListOptions{Filters: mine})
	go func() {
		defer close(out)
		for {
			var e Event
			select {
			case m := <-messages:
				name := strings.TrimPrefix(m.Actor.Attributes["name"], s.id+"-")
				e = Event{Action: string(m.Action), Name: name, At: time.Unix(0, m.TimeNano)}
			case err := <-failed:
				e = Event{Err: err}
			}
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
			if e.Err != nil {
				return
			}
		}
	}()
	return out
}
