package kong

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// health is what rounds and the watcher tell each other.
type health struct {
	mu    sync.Mutex
	down  bool   // Kong did not answer when it was last asked
	hash  string // what a node without a database said when we last knew what it holds; "" when unknown
	told  string // another hash that was seen since and told once
	epoch int    // counts changes of hash by us, so that an older look is not believed
}

func (h *health) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

func (h *health) fell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = true
}

// pushing says that the hash is about to change by us.
func (h *health) pushing() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch++
	h.hash = ""
}

// holds notes the hash of what we know the node to hold.
func (h *health) holds(hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch++
	h.hash, h.told, h.down = hash, "", false
}

func (h *health) expected() (hash string, epoch int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hash, h.epoch
}

// saw takes in a look at the node and reports whether a fresh round is due:
// it went away (the round then says so), is back, or holds something else than
// we left there.
func (h *health) saw(up bool, hash string, epoch int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !up {
		due := !h.down
		h.down = true
		return due
	}
	due := h.down
	h.down = false
	if epoch == h.epoch && h.hash != "" && hash != "" && hash != h.hash && hash != h.told {
		h.told, due = hash, true
	}
	return due
}

// Watch implements reconcilers.Watcher. It asks GET /status at every interval:
// a node without a database that was restarted comes back empty, and one with a
// database that was down is ready for what it missed. A file of authorities, or the base,
// that is another one is read by the round that follows.
func (r *Reconciler) Watch(ctx context.Context, poke func()) error {
	ticker := time.NewTicker(r.options.WatchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		if r.due(ctx) {
			poke()
		}
	}
}

// due looks once at the node, at the files that are followed and at the proof, and reports
// whether a fresh round is due. While the node is down the files can wait.
func (r *Reconciler) due(ctx context.Context) bool {
	base := r.leads && r.file.Changed()
	return r.look(ctx) || !r.health.isDown() && (base || r.stampAuthorities() != *r.stamp.Load() || r.verifier.Owes())
}

// look asks the node once and reports whether a fresh round is due.
func (r *Reconciler) look(ctx context.Context) bool {
	_, epoch := r.health.expected()
	a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/status", Once: true})
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		return r.health.saw(false, "", epoch)
	}
	hash, databaseDown, err := configurationHash(a)
	return r.health.saw(err == nil && !databaseDown, hash, epoch)
}
