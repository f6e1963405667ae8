package docker

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// search is one look for all gateways. It keeps what several of them ask for.
type search struct {
	s      *Source
	nets   []network.Summary
	own    *container.InspectResponse // the daemon's container; nil: none
	beside bool                       // the daemon runs on the Engine's host, in a container or not
	silent bool                       // a resolver, or this machine, gave no answer about the gateway that is looked for
}

// found is where one gateway is.
type found struct {
	container string // id; "" when it is in no container
	at        snapshot.Attachment
	open      bool // it may be in a container that does not run yet
	unsure    bool // nobody could say where it is
}

// locate finds the networks of every gateway. An error means that the Engine
// could not be asked; a gateway that is nowhere to be found is an Attachment
// without networks that says so. A gateway that was found in a container not
// long ago and isn't now keeps its place: its container is being restarted. So does one of
// which nobody can say where it is, for as long as that lasts.
func (s *Source) locate(ctx context.Context, nets []network.Summary, known pins) (located, error) {
	l := located{attachments: snapshot.Attachments{}, pins: pins{}}
	q := search{s: s, nets: nets}
	for _, locator := range s.options.Gateways {
		if len(locator.Networks) > 0 {
			continue
		}
		own, err := s.self(ctx)
		if err != nil {
			return l, err
		}
		q.own = own
		break
	}
	q.beside = q.own != nil || s.conn.local
	for gateway, locator := range s.options.Gateways {
		f, err := q.find(ctx, locator)
		if err != nil {
			return l, fmt.Errorf("find the networks of %s: %w", gateway, err)
		}
		old, had := known[gateway]
		switch {
		case f.unsure && had, f.open && old.container != "" && time.Since(old.at) < s.options.Resync:
			f.at, l.pins[gateway] = old.attachment, old
		case !f.unsure:
			l.pins[gateway] = pin{container: f.container, attachment: f.at, at: time.Now()}
		}
		l.open, l.unsure = l.open || f.open, l.unsure || f.unsure
		l.attachments[gateway] = f.at
	}
	return l, nil
}

func (q *search) find(ctx context.Context, l Locator) (found, error) {
	flag := l.Flag
	if flag == "" {
		flag = "the gateway's network flag"
	}
	switch {
	case len(l.Networks) > 0:
		return found{at: snapshot.Attachment{
			Networks: slices.DeleteFunc(slices.Clone(l.Networks), func(n string) bool { return n == "host" }),
			OnHost:   slices.Contains(l.Networks, "host"),
			Why:      flag,
		}}, nil
	case l.Local:
		return q.local(flag), nil
	case l.URL == "":
		return found{at: snapshot.Attachment{Why: "nothing says where it runs; set " + flag}}, nil
	}
	u, _ := url.Parse(l.URL) // what can't be read is said below
	if u == nil || u.Hostname() == "" {
		return found{at: snapshot.Attachment{Why: "its URL names no host; set " + flag}}, nil
	}
	return q.byURL(ctx, u, flag)
}

// local places a gateway that runs beside the daemon.
func (q *search) local(flag string) found {
	switch {
	case q.own != nil:
		return inContainer(*q.own, "shares the daemon's container ")
	case q.beside:
		return found{at: snapshot.Attachment{OnHost: true, Why: "runs on the Docker host"}}
	}
	return found{at: snapshot.Attachment{Why: "the Docker daemon is on another host; set " + flag}}
}
