package reconcilertest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The ways in which Memory refuses. Match them with errors.Is.
var (
	ErrTaken     = errors.New("the name is taken")
	ErrNoParent  = errors.New("the parent does not exist")
	ErrChildren  = errors.New("the object has children")
	ErrUnknown   = errors.New("there is no such object")
	ErrNotOwner  = errors.New("the object is somebody else's")
	ErrKind      = errors.New("there is no such kind")
	ErrUnplanned = errors.New("the gateway is broken on purpose")
)

// Thing is one object that Memory holds.
type Thing struct {
	Kind   string // "backend", "server" or "route"
	Name   string // unique within the kind, among all owners
	Owner  string
	Parent string // the backend of a server or route
	Fields map[string]string
}

func (t Thing) id() string { return t.Kind + "/" + t.Name }

func (t Thing) String() string {
	fields := make([]string, 0, len(t.Fields))
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		fields = append(fields, name+"="+t.Fields[name])
	}
	return fmt.Sprintf("%s owner=%s parent=%s %s", t.id(), t.Owner, t.Parent, strings.Join(fields, " "))
}

// Call is one call that Memory got.
type Call struct {
	Verb string // "list", "create", "update" or "delete"
	ID   string // kind/name; "" for a list
}

// Memory is a gateway in memory, stricter than the real ones: it refuses to
// create a child before its parent, to delete a parent that has children, to
// change what does not exist or is somebody else's, and a name twice. It
// records calls and fails when told to. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	things map[string]Thing
	calls  []Call
	fault  func(Call) error
}

// NewMemory returns an empty gateway.
func NewMemory() *Memory { return &Memory{things: map[string]Thing{}} }

// Fail makes every later call ask fault first and fail with what it returns;
// nil ends that. The call then changes nothing.
func (m *Memory) Fail(fault func(Call) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

// Break makes calls fail from the after-th next one on.
func (m *Memory) Break(after int) {
	m.Fail(func(Call) error { // called under the gateway's lock
		if after--; after < 0 {
			return ErrUnplanned
		}
		return nil
	})
}

// Calls returns the calls so far.
func (m *Memory) Calls() []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// Writes returns how many calls so far could have changed something.
func (m *Memory) Writes() int {
	writes := 0
	for _, call := range m.Calls() {
		if call.Verb != "list" {
			writes++
		}
	}
	return writes
}

// World renders everything that is held, a line for each thing.
func (m *Memory) World() string { return m.render(func(Thing) bool { return true }) }

// OwnedBy renders what one owner has.
func (m *Memory) OwnedBy(owner string) string {
	return m.render(func(t Thing) bool { return t.Owner == owner })
}

func (m *Memory) render(wanted func(Thing) bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var text strings.Builder
	for _, id := range slices.Sorted(maps.Keys(m.things)) {
		if wanted(m.things[id]) {
			fmt.Fprintln(&text, m.things[id])
		}
	}
	return text.String()
}

// Create adds a thing.
func (m *Memory) Create(t Thing) error {
	return m.call(Call{"create", t.id()}, func() error {
		if t.Kind != "backend" && t.Kind != "server" && t.Kind != "route" {
			return ErrKind
		}
		if _, taken := m.things[t.id()]; taken {
			return ErrTaken
		}
		if err := m.parent(t); err != nil {
			return err
		}
		m.things[t.id()] = t
		return nil
	})
}

// Update replaces a thing by one of the same kind, name and owner.
func (m *Memory) Update(t Thing) error {
	return m.call(Call{"update", t.id()}, func() error {
		before, ok := m.things[t.id()]
		if !ok {
			return ErrUnknown
		}
		if before.Owner != t.Owner {
			return ErrNotOwner
		}
		if err := m.parent(t); err != nil {
			return err
		}
		m.things[t.id()] = t
		return nil
	})
}

// Delete removes a thing of an owner.
func (m *Memory) Delete(owner, kind, name string) error {
	id := Thing{Kind: kind, Name: name}.id()
	return m.call(Call{"delete", id}, func() error {
		before, ok := m.things[id]
		if !ok {
			return ErrUnknown
		}
		if before.Owner != owner {
			return ErrNotOwner
		}
		for _, t := range m.things {
			if kind == "backend" && t.Parent == name {
				return ErrChildren
			}
		}
		delete(m.things, id)
		return nil
	})
}

// List returns what an owner has, sorted by kind and name.
func (m *Memory) List(owner string) ([]Thing, error) {
	var things []Thing
	err := m.call(Call{Verb: "list"}, func() error {
		for _, id := range slices.Sorted(maps.Keys(m.things)) {
			if m.things[id].Owner == owner {
				things = append(things, m.things[id])
			}
		}
		return nil
	})
	return things, err
}

// parent checks that a thing's parent is there; only backends have none.
func (m *Memory) parent(t Thing) error {
	if t.Kind == "backend" && t.Parent == "" {
		return nil
	}
	if parent, ok := m.things["backend/"+t.Parent]; !ok || parent.Owner != t.Owner {
		return fmt.Errorf("%w: backend/%s", ErrNoParent, t.Parent)
	}
	return nil
}

func (m *Memory) call(c Call, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c)
	if m.fault != nil {
		if err := m.fault(c); err != nil {
			return fmt.Errorf("%s %s: %w", c.Verb, c.ID, err)
		}
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s %s: %w", c.Verb, c.ID, err)
	}
	return nil
}
