package desired

import (
	"cmp"
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Selection is what became of a service's selector: whom it picks of all containers, and,
// where that is nobody, what comes nearest. It is worked out when somebody asks, for it
// takes a look at each container.
type Selection struct {
	Origin  v1.Origin    `json:"origin"`             // where the selector stands
	Labels  string       `json:"labels"`             // by which it selects: app=shop, tier=web
	Running int          `json:"running"`            // how many containers there are to pick from
	Picked  []string     `json:"picked"`             // the names of those that it picks, sorted
	LeftOut []v1.Problem `json:"left_out,omitempty"` // why some of these are no instances, one for each, in the same order
	Near    string       `json:"near,omitempty"`     // where it picks none: what comes nearest
	Fix     string       `json:"fix,omitempty"`      // what to do about it
}

// Selection returns what became of a service's selector; nil: it has none.
func (b *Builder) Selection(service string) *Selection {
	by := b.selectors.byService[service]
	if by == nil {
		return nil
	}
	out := &Selection{Origin: by.Origin, Labels: by.String(), Running: len(b.containers) + len(b.uncounted), Picked: []string{}}
	var picked []snapshot.Instance
	n := newNearness(by)
	for i := range b.everyone {
		if by.Selects(i.Labels) {
			picked = append(picked, i)
		} else if len(picked) == 0 {
			n.look(i)
		}
	}
	slices.SortFunc(picked, func(x, y snapshot.Instance) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
	for _, i := range picked {
		out.Picked = append(out.Picked, i.Name)
		if why := b.leftOut(service, i); why != nil {
			out.LeftOut = append(out.LeftOut, *why)
		}
	}
	if len(picked) == 0 {
		out.Near, out.Fix = n.say(b.everyone)
	}
	return out
}

// everyone yields all containers, whether they count or not, in no order.
func (b *Builder) everyone(yield func(snapshot.Instance) bool) {
	for _, c := range b.containers {
		if !yield(c.instance) {
			return
		}
	}
	for _, i := range b.uncounted {
		if !yield(i) {
			return
		}
	}
}

// leftOut says why a container that the service's selector picks is no instance of it; nil:
// it is one.
func (b *Builder) leftOut(service string, i snapshot.Instance) *v1.Problem {
	if _, is := b.services[service].members[i.ID]; is {
		return nil
	}
	c := b.containers[i.ID]
	if c == nil { // what a selector picks counts, unless it opted out
		why := b.options.Grammar.NotEnabledBecause(subject(i))
		why.Message, why.Fix = "it opts out", "remove the label to let the selector bring it in"
		return &why
	}
	for n := range c.asked {
		if c.asked[n].Service.Name != service || len(c.wrong) > 0 {
			continue
		}
		if problems, _ := b.refused(c, c.asked[n:n+1]); len(problems) > 0 {
			return &problems[0]
		}
	}
	if len(c.problems) == 0 {
		return nil
	}
	return &c.problems[0]
}

// Say says whom it picks. among names the containers there are: "that run".
func (s *Selection) Say(among string) string {
	said := fmt.Sprintf("its selector (%s) picks ", s.Origin)
	switch {
	case s.Running == 0:
		return said + "nothing, for there is no container " + among
	case len(s.Picked) == 0:
		return said + fmt.Sprintf("none of the %s %s: %s", containersOf(s.Running), among, s.Near)
	}
	said += fmt.Sprintf("%d of the %s %s", len(s.Picked), containersOf(s.Running), among)
	if len(s.LeftOut) > 0 && len(s.LeftOut) == len(s.Picked) {
		said += ", and all are left out: " + s.LeftOut[0].Origin.String() + ": " + s.LeftOut[0].Message
	}
	return said
}

func containersOf(n int) string {
	if n == 1 {
		return "1 container"
	}
	return fmt.Sprintf("%d containers", n)
}

// Advice is what to do where a selector brings nobody in.
func (s *Selection) Advice() string {
	if len(s.Picked) > 0 && len(s.LeftOut) == len(s.Picked) {
		return s.LeftOut[0].Fix
	}
	return s.Fix
}
