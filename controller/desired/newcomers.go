package desired

import (
	"fmt"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// A service of which Kong holds nothing yet, and that will stand behind HAProxy, is told to Kong
// when HAProxy listens for it, so that it costs one push: else Kong would be sent to its
// instances, and a moment later to HAProxy. Kong waits for no HAProxy that takes up nothing
// anyway, and for a slow one no longer than patience.

// patience is no longer than what lies between two pushes to Kong anyway.
const patience = time.Second

// welcome has Kong wait with a service whose port was settled just now, where that is for the
// better. Of what Kong holds from before the first full Update, nothing is known here.
func (b *Builder) welcome(now time.Time, s *service) {
	port, has := b.memory.Ports.Lookup(s.name)
	_, known := b.newcomers[s.name]
	switch {
	case !has || !port.Freed.IsZero() || port.Dialed:
		delete(b.newcomers, s.name)
	case known || !b.begun || b.options.Settled || b.heard.Stalled || len(s.sets[v1.Kong]) > 0:
	default:
		b.newcomers[s.name] = now.Add(patience)
	}
}

// hurry marks the services with which Kong waits no longer.
func (b *Builder) hurry(now time.Time, touched map[string]bool) {
	for name, until := range b.newcomers {
		if !until.IsZero() && (b.heard.Stalled || !until.After(now)) {
			b.newcomers[name] = time.Time{}
			touched[name] = true
		}
	}
}

// early says why Kong is not told of a service yet; its reason is "" when it is.
func (b *Builder) early(s *service) Verdict {
	if b.newcomers[s.name].IsZero() {
		return Verdict{}
	}
	return Verdict{Gateway: v1.Kong, Reason: v1.Starting,
		Message: fmt.Sprintf("it is told of the service as soon as %s listens at %s:%d, and a second after it came in any case", v1.HAProxy, b.options.Chain.Host, b.viaPort(s.name))}
}

// patient returns when the first of them is waited for no longer, or wake where that is earlier.
func (b *Builder) patient(wake time.Time) time.Time {
	for _, until := range b.newcomers {
		if !until.IsZero() && (wake.IsZero() || until.Before(wake)) {
			wake = until
		}
	}
	return wake
}
