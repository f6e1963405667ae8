package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Op is what a change does.
type Op string

// The operations.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is one step from observed to desired.
type Change struct {
	Op     Op
	Key    v1.Key
	Before *Object // nil for Create
	After  *Object // nil for Delete
	// Fields are the names of what an Update changes, sorted.
	Fields []string
	// Reload says why the gateway must be reloaded for the change; "" when it must
	// not, or nobody has said. See reconcilers.Forecaster.
	Reload string
}

// Object returns the side of the change that exists: After, or Before for a Delete.
func (c Change) Object() *Object {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Sentence says the change in words, with before → after for an update.
func (c Change) Sentence() string {
	switch c.Op {
	case Create:
		return "add " + c.After.Noun
	case Delete:
		return "remove " + c.Before.Noun
	}
	parts := make([]string, 0, len(c.Fields))
	for _, field := range c.Differences() {
		if field.Before == "" && field.After == "" {
			parts = append(parts, field.Name+" differ from what is asked for")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s → %s", field.Name, cmp.Or(field.Before, "(none)"), cmp.Or(field.After, "(none)")))
	}
	return "change " + c.After.Noun + ": " + strings.Join(parts, ", ")
}

// Difference is what an update changes in one field. Both values are "" where they
// would tell people nothing.
type Difference struct {
	Name   string `json:"name"`             // of the field
	Before string `json:"before,omitempty"` // as the gateway has it; "" for nothing
	After  string `json:"after,omitempty"`  // as it is to be; "" for nothing
}

// Differences returns what an update changes, by the fields' names.
func (c Change) Differences() []Difference {
	out := make([]Difference, 0, len(c.Fields))
	for _, name := range c.Fields {
		if d := (Difference{Name: name}); slices.Contains(c.After.Opaque, name) {
			out = append(out, d)
		} else {
			out = append(out, Difference{Name: name, Before: c.Before.Fields[name], After: c.After.Fields[name]})
		}
	}
	return out
}

// Plan is the ordered changes for one gateway.
type Plan struct {
	Changes []Change
	// Held are removals that the guard keeps back, in the same order.
	Held []Change
	// Reported are changes that would undo what somebody else did at the gateway, and
	// are left undone because it is to be reported.
	Reported []Reported
	// Progress is told how far Apply is; nil: nobody asks.
	Progress *Progress
}

// Reported is a change that is left undone.
type Reported struct {
	Change
	// What are the fields that somebody changed, sorted; none: they removed the object.
	What []string
	// Since is when that was found.
	Since time.Time
	// Waits, when not zero, is the object that somebody removed and that this one needs:
	// this one may be as it was left.
	Waits v1.Key
}

// Empty reports whether nothing is to be changed.
func (p Plan) Empty() bool { return len(p.Changes) == 0 }

// Diff returns the changes that lead from observed to desired: first creates
// and updates from the lowest level up, then deletes from the highest level
// down, each by key. Diff(x, x) is empty.
func Diff(observed, desired State) Plan {
	var changes []Change
	for key, after := range desired {
		before, ok := observed[key]
		if !ok {
			changes = append(changes, Change{Op: Create, Key: key, After: after})
			continue
		}
		if fields := before.Differs(after); len(fields) > 0 {
			changes = append(changes, Change{Op: Update, Key: key, Before: before, After: after, Fields: fields})
		}
	}
	for key, before := range observed {
		if _, ok := desired[key]; !ok {
			changes = append(changes, Change{Op: Delete, Key: key, Before: before})
		}
	}
	slices.SortFunc(changes, order)
	return Plan{Changes: changes}
}

// order puts creates and updates before deletes; a reconciler that must free a
// unique name first says so by its own ordering within Apply.
func order(a, b Change) int {
	aDel, bDel := a.Op == Delete, b.Op == Delete
	if aDel != bDel {
		if aDel {
			return 1
		}
		return -1
	}
	byLevel := cmp.Compare(a.Object().Level, b.Object().Level)
	if aDel {
		byLevel = -byLevel
	}
	return cmp.Or(byLevel, a.Key.Compare(b.Key))
}

// Outcome is what became of one change.
type Outcome struct {
	Change Change
	// Problem is nil when the change was made. Reason GatewayRejected and
	// Conflict wait for a change of the input; every other one is tried again.
	Problem *v1.Problem
	// Generation is that of the gateway from which on it serves the change; 0: it serves
	// it at once, or nobody asks it. See reconcilers.Verifier.
	Generation uint64
	// Opens says that requests are served from then on that were not before.
	Opens bool
	// Again says that the change was made and told of before, and that this was a further
	// try of what it had to leave behind, such as a server with requests under way.
	Again bool
}

// Apply returns the state that results when every change of the plan is made:
// Apply(a, Diff(a, b)) equals b.
func Apply(state State, changes []Change) State {
	next := maps.Clone(state)
	if next == nil {
		next = State{}
	}
	for _, change := range changes {
		if change.Op == Delete {
			delete(next, change.Key)
			continue
		}
		next[change.Key] = change.After
	}
	return next
}
