package docker

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// world holds what is known and what was told of it. The session writes, Take
// reads; it is the only thing that they share. Instances in it are never
// changed, only replaced.
type world struct {
	mu      sync.Mutex
	loaded  bool // a whole view has been read
	told    bool // the Full delta has been taken
	current map[string]*snapshot.Instance
	before  map[string]*snapshot.Instance // as the last deltas have told it
	changed map[string]time.Time          // ids where the two differ, and since which event

	attach       snapshot.Attachments
	attachBefore snapshot.Attachments
}

func newWorld() *world {
	return &world{
		current: map[string]*snapshot.Instance{},
		before:  map[string]*snapshot.Instance{},
		changed: map[string]time.Time{},
	}
}

// get returns what is known of a container, nil when it is no instance.
func (w *world) get(id string) *snapshot.Instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current[id]
}

// size returns how many instances are known.
func (w *world) size() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.current)
}

// ids returns the ids of all known instances.
func (w *world) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.current))
}

// put makes inst, or its absence when nil, what is known of a container. seen
// is when the event that led here came in; zero when none did. It reports
// whether the knowledge changed.
func (w *world) put(id string, inst *snapshot.Instance, seen time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.current[id]
	if same(old, inst) {
		return false
	}
	if inst == nil {
		delete(w.current, id)
	} else {
		w.current[id] = inst
	}
	if same(w.before[id], inst) {
		delete(w.changed, id) // there and back again before anyone looked
		return true
	}
	// The oldest event counts; a change that no event announced has no time.
	if since, ok := w.changed[id]; !ok || since.IsZero() {
		w.changed[id] = seen
	}
	return true
}

// place makes a what is known of the gateways' networks and reports whether
// that changed it.
func (w *world) place(a snapshot.Attachments) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.attach != nil && sameAttachments(w.attach, a) {
		return false
	}
	w.attach = a
	return true
}

// load says that a whole view has been read; until then Take tells nothing. It
// reports whether this was the first time.
func (w *world) load() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.loaded
	w.loaded = true
	return first
}

// take returns the differences between what is known and what was told.
func (w *world) take() snapshot.Delta {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.loaded {
		return snapshot.Delta{}
	}
	d := snapshot.Delta{Full: !w.told}
	for id, since := range w.changed {
		inst := w.current[id]
		if inst != nil {
			d.Changed = append(d.Changed, *inst)
			w.before[id] = inst
		} else {
			if !d.Full {
				d.Removed = append(d.Removed, id)
			}
			delete(w.before, id)
		}
		if !since.IsZero() && (d.Seen.IsZero() || since.Before(d.Seen)) {
			d.Seen = since
		}
	}
	clear(w.changed)
	if !w.told || !sameAttachments(w.attach, w.attachBefore) {
		d.Attachments, w.attachBefore = cloneAttachments(w.attach), w.attach
	}
	w.told = true
	slices.SortFunc(d.Changed, func(a, b snapshot.Instance) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(d.Removed)
	return d
}

// same compares two states of one container; nil is its absence.
func same(a, b *snapshot.Instance) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	return a.ID == b.ID && a.Name == b.Name && a.Created.Equal(b.Created) &&
		a.Project == b.Project && a.Service == b.Service &&
		a.Partial == b.Partial && a.Paused == b.Paused && a.Health == b.Health && a.Stopping == b.Stopping &&
		a.StoppingSince.Equal(b.StoppingSince) &&
		a.HostNetwork == b.HostNetwork &&
		slices.Equal(a.Networks, b.Networks) &&
		slices.EqualFunc(a.Ports, b.Ports, func(p, q snapshot.Port) bool {
			return p.Number == q.Number && slices.Equal(p.Published, q.Published)
		}) &&
		maps.Equal(a.Labels, b.Labels)
}

func sameAttachments(a, b snapshot.Attachments) bool {
	return maps.EqualFunc(a, b, func(p, q snapshot.Attachment) bool {
		return p.OnHost == q.OnHost && p.Why == q.Why && slices.Equal(p.Networks, q.Networks)
	})
}

// cloneAttachments returns a copy that is never nil.
func cloneAttachments(a snapshot.Attachments) snapshot.Attachments {
	c := make(map[v1.Gateway]snapshot.Attachment, len(a))
	maps.Copy(c, a)
	return c
}
