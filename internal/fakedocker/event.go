package fakedocker

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

var zeroAddr netip.Addr

// remembered is how many events the Engine can tell again.
const remembered = 256

// event is one message of the stream, in the order of the Engine's fields.
type event struct {
	Status   string `json:"status,omitempty"`
	ID       string `json:"id,omitempty"`
	From     string `json:"from,omitempty"`
	Type     string
	Action   string
	Actor    actor
	Scope    string `json:"scope"`
	Time     int64  `json:"time"`
	TimeNano int64  `json:"timeNano"`
}

type actor struct {
	ID         string
	Attributes map[string]string
}

// ring holds the last events.
type ring []event

// Forget makes the Engine forget what it could tell again, as time would.
func (e *Engine) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = nil
}

// stream is one subscriber. Events that find its queue full are lost, as the
// Engine loses them for a client that does not read.
type stream struct {
	queue   chan event
	filters filterSet
	cut     chan struct{} // closed to end the stream from the Engine's side
}

// tell says that something happened to a container, and forgets its entry in
// the list; e.mu is held. Labels overwrite attributes, as they do in the Engine.
func (e *Engine) tell(c *instance, action string, extra map[string]string) {
	c.listed = nil
	attrs := map[string]string{}
	maps.Copy(attrs, extra)
	maps.Copy(attrs, c.Labels)
	attrs["image"], attrs["name"] = c.Image, c.name
	e.emit(event{Status: action, ID: c.id, From: c.Image, Type: "container", Action: action, Actor: actor{c.id, attrs}})
}

// tellNetwork says that a container was connected or disconnected; e.mu is held.
func (e *Engine) tellNetwork(n *vnet, action string, c *instance) {
	c.listed = nil
	e.emit(event{Type: "network", Action: action, Actor: actor{n.id, map[string]string{
		"container": c.id, "name": n.Name, "type": n.Driver,
	}}})
}

// emit stamps an event, remembers it and hands it to the streams; e.mu is held.
func (e *Engine) emit(ev event) {
	e.clock = max(e.clock+1, time.Now().UnixNano())
	ev.Scope, ev.TimeNano, ev.Time = "local", e.clock, e.clock/int64(time.Second)
	if e.faults.lose > 0 {
		e.faults.lose--
		return
	}
	e.events = append(e.events, ev)
	if len(e.events) > remembered {
		e.events = append(ring{}, e.events[len(e.events)-remembered:]...)
	}
	if e.silent() {
		return
	}
	for s := range e.streams {
		s.offer(ev)
	}
}

func (s *stream) offer(ev event) {
	if !s.filters.event(ev) {
		return
	}
	select {
	case s.queue <- ev:
	default:
	}
}

// subscribe opens a stream and fills it with what is remembered since a moment.
func (e *Engine) subscribe(f filterSet, sinceNano int64) *stream {
	s := &stream{queue: make(chan event, 16384), filters: f, cut: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	if sinceNano > 0 {
		for _, ev := range e.events {
			if ev.TimeNano >= sinceNano {
				s.offer(ev)
			}
		}
	}
	e.streams[s] = struct{}{}
	return s
}

func (e *Engine) unsubscribe(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
}

// filterSet is the query parameter "filters": values by key.
type filterSet map[string][]string

// parseFilters reads both spellings that the API has: {"label":{"a":true}} and
// {"label":["a"]}.
func parseFilters(text string) (filterSet, error) {
	f := filterSet{}
	if text == "" {
		return f, nil
	}
	var lists map[string][]string
	if json.Unmarshal([]byte(text), &lists) == nil {
		return lists, nil
	}
	var sets map[string]map[string]bool
	if err := json.Unmarshal([]byte(text), &sets); err != nil {
		return nil, err
	}
	for key, values := range sets {
		for v, on := range values {
			if on {
				f[key] = append(f[key], v)
			}
		}
	}
	return f, nil
}

// event reports whether a stream with these filters tells an event. As in the
// Engine, one action with a colon in its family makes all of them prefixes.
func (f filterSet) event(ev event) bool {
	if types := f["type"]; len(types) > 0 && !slices.Contains(types, ev.Type) {
		return false
	}
	actions := f["event"]
	if len(actions) == 0 {
		return true
	}
	fuzzy := slices.Contains(actions, "health_status") || slices.Contains(actions, "exec_create") || slices.Contains(actions, "exec_start")
	for _, a := range actions {
		if a == ev.Action || fuzzy && strings.HasPrefix(ev.Action, a) {
			return true
		}
	}
	return false
}
