package manifests

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a Watcher is made of.
type Options struct {
	// Folders are watched, and all folders within them.
	Folders []string
	// Settle is how long folders must look the same before they are read;
	// default 20 ms. SettleEmpty is the same while a file that held something is
	// empty, which is how some editors begin to write; default one second.
	Settle, SettleEmpty time.Duration
	// Rescan is how often the folders are looked at though nothing was heard of
	// them; default 30 seconds.
	Rescan time.Duration
	// Memory holds the text of each file when it was last good, by path. The
	// Watcher owns it from now on.
	Memory map[string][]byte
	// Remember saves what changed of Memory, where nil is a file that is gone; it is called
	// before Take gives out what follows. When it fails, it is called with the same and
	// what changed since. nil: nothing is saved.
	Remember func(changed map[string][]byte) error
	// Repository says that trees are offered as well, and that nothing is known
	// before the first one.
	Repository bool
	// Tree is the one that counted last; nil when none did.
	Tree *Tree
	// Counts is told which tree counts from now on, to remember it; nil: nobody is.
	Counts     func(*Tree) error
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Watcher keeps what the files in some folders declare. Take and State may be
// called from any goroutine.
type Watcher struct {
	options Options
	metrics *metrics

	// Owned by the goroutine of Run.
	shelf   *shelf
	reveal  *revealer
	ears    *ears
	view    *view
	loaded  bool            // the files were read once
	written map[string]bool // files that were written while they were read
	torn    int             // how often in a row there were such
	waits   bool            // what was read was not linked, for that reason
	now     Declaration     // as it was published last
	said    map[string]bool // problems that were logged
	unsaved map[string]bool // what can't be saved: files, the repository
	told    *grove          // the tree that Counts was told of; nil: none, or that failed

	mu      sync.Mutex
	state   State
	news    News
	offered *Tree
	nudge   chan struct{}
}

// New returns a Watcher that has not begun.
func New(o Options) *Watcher {
	o.Settle = cmp.Or(o.Settle, 20*time.Millisecond)
	o.SettleEmpty = cmp.Or(o.SettleEmpty, time.Second)
	o.Rescan = cmp.Or(o.Rescan, 30*time.Second)
	w := &Watcher{
		options: o, metrics: newMetrics(o.Registerer),
		shelf: newShelf(o.Memory, o.Tree), reveal: newRevealer(), view: newView(o.Folders), written: map[string]bool{}, said: map[string]bool{}, unsaved: map[string]bool{},
		nudge: make(chan struct{}, 1),
	}
	w.told = w.shelf.standing // it is remembered
	return w
}

// Offer hands over what the repository says from now on. It never blocks.
func (w *Watcher) Offer(tree *Tree) {
	w.mu.Lock()
	w.offered = tree
	w.mu.Unlock()
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// Take returns what changed since the last Take and forgets it.
func (w *Watcher) Take() News {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.news
	w.news = News{}
	return news
}

// State returns how the watching goes.
func (w *Watcher) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Run watches until ctx ends and returns its cause. It calls poke, which never
// blocks, whenever Take or State has news.
func (w *Watcher) Run(ctx context.Context, poke func()) error {
	w.ears = newEars(w.nudge)
	defer w.ears.close()
	if w.ears.err != nil {
		w.options.Log.Warn("folders can't be watched, so they are looked at every second", "error", w.ears.err)
		w.options.Rescan = time.Second
	}
	for {
		if err := w.rest(ctx); err != nil {
			return err
		}
		if w.take(w.ears.heard) {
			poke()
		}
		if err := w.ears.idle(ctx, w.options.Rescan); err != nil {
			return err
		}
	}
}

// maxLooks ends the waiting for folders that never come to rest, maxTorn that for a time in which
// they can be read.
const (
	maxLooks = 100
	maxTorn  = 10
)

// rest waits until the folders look the same twice. Only what they look like
// counts, and not what was heard of them.
func (w *Watcher) rest(ctx context.Context) error {
	w.look()
	for range maxLooks {
		settle, emptied := w.options.Settle, w.view.emptied()
		if emptied {
			settle = w.options.SettleEmpty
		}
		whole, err := w.ears.listen(ctx, settle, emptied)
		if err != nil {
			return err
		}
		if changed := w.look(); whole && !changed {
			return nil
		}
	}
	return nil
}

// look looks at the folders, and listens to all that could change what is seen. It reports
// whether it looks otherwise than before. What it begins to listen to it looks at once more,
// so that nothing happens between the two. Where all is looked at, the next look, which it
// takes to come to rest, looks at all once more, unless an empty file is waited for.
func (w *Watcher) look() bool {
	again := w.ears.dirs
	if w.ears.all || w.view.err != nil {
		again = nil
	}
	changed := w.view.look(again)
	if again, fresh := w.ears.attend(w.view); fresh && (!w.ears.all || w.view.emptied()) {
		changed = w.view.look(again) || changed
	}
	return changed
}

// take reads what changed and reports whether there is news.
func (w *Watcher) take(seen time.Time) bool {
	news := false
	changed, secret := false, w.ears.secret || w.ears.due
	lost := w.view.err != nil
	if lost { // what the folders last said stays; the repository may go on
		news = w.lost(w.view.err)
		if !w.State().Loaded {
			return news
		}
	} else {
		changed = w.read() || w.waits
		if secret {
			w.reveal.follow(w.ears.secret)
		}
		w.ears.reset()
		if w.waits = len(w.written) > 0 && w.torn < maxTorn; w.waits { // this may be half of what was meant
			w.torn++
			return news
		}
		w.torn = 0
	}
	changed = w.shelf.plant(w.offer()) || changed
	if w.options.Repository && w.shelf.tree == nil {
		return news // half of the world
	}
	if state := w.State(); !changed && state.Loaded && (lost || !secret && state.Error == "") {
		w.remember() // what could not be saved before
		return news
	}
	linked := w.shelf.link()
	w.remember()
	next := w.reveal.reveal(linked.world, linked.touched)
	w.ears.secrets(w.reveal.files)
	problems := linked.problems
	if len(w.reveal.problems) > 0 {
		problems = sorted(slices.Concat(w.reveal.problems, problems))
	}
	w.metrics.note(w.shelf, linked)
	w.say(problems)
	return w.publish(next, problems, lost, seen) || news
}

// offer returns the tree that was offered last; nil when none was.
func (w *Watcher) offer() *Tree {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.offered
}

// read takes in every file that changed or was heard of, and reports whether
// any says something else.
func (w *Watcher) read() bool {
	others, gone := w.view.news()
	w.view.was = map[string]*listing{}
	changed := w.shelf.forget(gone)
	if !w.loaded {
		w.shelf.keep(w.view.has)
		w.loaded = true
	}
	again := []iter.Seq[string]{maps.Keys(w.ears.paths), maps.Keys(w.written)}
	if w.ears.linked {
		again = append(again, slices.Values(w.view.links()))
	}
	for _, paths := range again {
		for path := range paths {
			if stamp, has := w.view.stamp(path); has {
				others[path] = stamp
			}
		}
	}
	clear(w.written)
	files := make([]reading, 0, len(others))
	for path, stamp := range others {
		files = append(files, reading{path: path, seen: stamp})
	}
	w.metrics.reads.Add(float64(len(files)))
	w.shelf.readAll(files)
	for i := range files {
		r := &files[i]
		changed = w.shelf.put(r) || changed
		if r.moved { // once more, when it has come to rest
			w.written[r.path], w.ears.again = true, true
		}
	}
	return changed
}

// String names the folders.
func (w *Watcher) String() string {
	places := w.options.Folders
	if w.options.Repository {
		places = append(slices.Clone(places), "a repository")
	}
	return fmt.Sprintf("manifests in %s", strings.Join(places, ", "))
}
