package desired

import (
	"cmp"
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
)

// idLength is how much of a container's id names its endpoint; Docker itself
// shows as much.
const (
	idLength = 12
	maxID    = 64 // all of an id, and the most that an endpoint's may have
)

// distinct returns how much of their ids tells the members of a service apart:
// all of it, where two begin alike.
func distinct(members []member) int {
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		id := m.container.instance.ID
		short := id[:min(idLength, len(id))]
		if seen[short] {
			return maxID
		}
		seen[short] = true
	}
	return idLength
}

// place says where, if at all, an instance gets traffic from a gateway. The
// endpoint bears the container's whole id.
func (b *Builder) place(s *service, m member, gateway v1.Gateway) (*v1.Endpoint, Verdict) {
	instance := &m.container.instance
	at := locate(m, b.attachments[gateway], b.options)
	if at.reason != "" {
		return nil, Verdict{Gateway: gateway, Reason: at.reason, Message: at.message, Fix: at.fix}
	}
	if beyond := b.beyondInstance(s, m, gateway); beyond.Reason != "" {
		return nil, beyond
	}
	part := v1.ExpressibleInstance(m.part, gateway)
	verdict := Verdict{Gateway: gateway, Reason: m.container.reason, Message: m.container.message, Fix: m.container.fix,
		Address: at.address.String(), How: at.how}
	if verdict.Reason == v1.Serving && verdict.Message == "" {
		verdict.Message = servedWithout(v1.LeftOutOfInstance(m.part, gateway), gateway)
	}
	if m.container.life == LifeStarting {
		return nil, verdict
	}
	until := m.container.drains.until(m.part.Drain)
	if !until.IsZero() {
		verdict.Message += ", its sessions may go on until " + instant.Text(until)
	}
	return &v1.Endpoint{
		ID:         instance.ID,
		Instance:   instance.Name,
		Address:    at.address,
		Weight:     part.Weight,
		Draining:   m.container.life == LifeDraining,
		DrainUntil: until,
		MaxConn:    part.MaxConn,
		Backup:     part.Backup,
		Origin:     cmp.Or(m.container.origin, v1.Origin{Container: instance.Name}),
	}, verdict
}

// beyondInstance says what of an instance's own fields a gateway can't do; its reason is ""
// when it can do all.
func (b *Builder) beyondInstance(s *service, m member, gateway v1.Gateway) Verdict {
	fields := v1.InexpressibleOfInstance(m.part, gateway)
	if len(fields) == 0 {
		return Verdict{}
	}
	return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
		Message: fmt.Sprintf("%s can't express its %s", gateway, strings.Join(fields, ", ")),
		Fix:     b.reached(s, gateway) + ", or " + markOptional + " to have it served without"}
}
