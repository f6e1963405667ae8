package manifests

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
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
	// Remember saves Memory; nil: nothing is saved.
	Remember   func(map[string][]byte) error
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// State is how a Watcher is doing.
type State struct {
	Loaded   bool      // every folder was read at least once
	Synced   time.Time // when that was last
	Error    string    // why the folders can't be read; "" when they can
	Problems []v1.Problem
}

// News is what changed since it was last taken.
type News struct {
	// Services are those that changed, by name; nil: no longer declared.
	Services map[string]*v1.Declared
	// Shared is what belongs to no service; nil: as before.
	Shared *v1.Shared
	// Seen is when the oldest change was heard of; zero when it was only found.
	Seen time.Time
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
	stamps  map[string]stamp // of the files, as they were read
	seen    look             // what was seen last
	now     Declaration
	said    map[string]bool // problems that were logged
	unsaved bool

	mu    sync.Mutex
	state State
	news  News
}

// New returns a Watcher that has not begun.
func New(o Options) *Watcher {
	o.Settle = cmp.Or(o.Settle, 20*time.Millisecond)
	o.SettleEmpty = cmp.Or(o.SettleEmpty, time.Second)
	o.Rescan = cmp.Or(o.Rescan, 30*time.Second)
	if o.Memory == nil {
		o.Memory = map[string][]byte{}
	}
	return &Watcher{
		options: o, metrics: newMetrics(o.Registerer),
		shelf: newShelf(o.Memory), reveal: newRevealer(), stamps: map[string]stamp{}, said: map[string]bool{},
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
	w.ears = newEars()
	defer w.ears.close()
	if w.ears.err != nil {
		w.options.Log.Warn("folders can't be watched, so they are looked at every second", "error", w.ears.err)
		w.options.Rescan = time.Second
	}
	for {
		now, err := w.rest(ctx)
		if err != nil {
			return err
		}
		if w.take(now, w.ears.heard) {
			poke()
			w.remember()
		}
		if err := w.ears.idle(ctx, w.options.Rescan); err != nil {
			return err
		}
	}
}

// maxLooks ends the waiting for folders that never come to rest.
const maxLooks = 100

// rest waits until the folders look the same twice. Only what they look like
// counts, and not what was heard of them.
func (w *Watcher) rest(ctx context.Context) (look, error) {
	before := w.look()
	for range maxLooks {
		settle, emptied := w.options.Settle, w.emptied(before)
		if emptied {
			settle = w.options.SettleEmpty
		}
		whole, err := w.ears.listen(ctx, settle, emptied)
		if err != nil {
			return look{}, err
		}
		now := w.look()
		if whole && now.equal(before) {
			return now, nil
		}
		before = now
	}
	return before, nil
}

// look looks at the folders, and listens to all that could change what is seen.
// It listens first, so that nothing happens between the two.
func (w *Watcher) look() look {
	again := func(dir string) bool { return w.ears.dirs[dir] }
	if w.ears.all || w.seen.err != "" {
		again = nil
	}
	now := take(w.options.Folders, w.seen, again)
	if w.ears.attend(w.options.Folders, now) {
		now = take(w.options.Folders, w.seen, nil)
	}
	w.seen = now
	return now
}

// emptied reports whether a file that held something is empty.
func (w *Watcher) emptied(now look) bool {
	for _, dir := range now.dirs {
		for path, stamp := range dir.files {
			if stamp.size == 0 && w.stamps[path].size > 0 {
				return true
			}
		}
	}
	return false
}

// take reads what changed and reports whether there is news.
func (w *Watcher) take(now look, seen time.Time) bool {
	if now.err != "" {
		return w.lost(now.err)
	}
	changed := w.read(now)
	secret := w.ears.secret
	if secret {
		w.reveal.forget()
	}
	w.ears.reset()
	if !changed && !secret && w.State().Loaded && w.State().Error == "" {
		return false
	}
	linked, broken, remembered := w.shelf.link()
	w.unsaved = w.unsaved || remembered
	next, files, problems := w.reveal.reveal(linked.World)
	w.ears.secrets(files)
	problems = sorted(append(problems, linked.Problems...))
	w.metrics.note(w.shelf, broken, next)
	w.say(problems)
	return w.publish(next, problems, seen)
}

// read takes in every file that changed or was heard of, and reports whether
// any says something else.
func (w *Watcher) read(now look) bool {
	changed := w.shelf.keep(now.has)
	w.unsaved = w.unsaved || changed
	maps.DeleteFunc(w.stamps, func(path string, _ stamp) bool { return !now.has(path) })
	for _, dir := range now.dirs {
		for path, stamp := range dir.files {
			if w.stamps[path] != stamp || w.ears.touched(path, dir.links[path]) {
				changed = w.readFile(path, stamp) || changed
			}
		}
	}
	return changed
}

// readFile takes in one file, and reports whether it says something else.
func (w *Watcher) readFile(path string, seen stamp) (changed bool) {
	text, err := readBounded(path, 2*maxBytes)
	if err != nil {
		changed = w.shelf.fail(path, err)
	} else {
		changed = w.shelf.put(path, text)
	}
	w.stamps[path] = seen
	if stampAt(path) != seen { // written meanwhile: once more, when it has come to rest
		delete(w.stamps, path)
		w.ears.again = true
	}
	return changed
}

// lost notes that the folders can't be read; what they last said stays.
func (w *Watcher) lost(why string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := why + "; make the folder readable for this user, or name another with --manifests"
	if w.state.Error == said {
		return false
	}
	w.state.Error = said
	return true
}

// publish hands over what changed. It reports whether there is anything to look at.
func (w *Watcher) publish(next Declaration, problems []v1.Problem, seen time.Time) bool {
	changed := map[string]*v1.Declared{}
	for name, service := range next.Services {
		if before := w.now.Services[name]; before != service && !reflect.DeepEqual(before, service) {
			changed[name] = service
		}
	}
	for name := range w.now.Services {
		if next.Services[name] == nil {
			changed[name] = nil
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	news := len(changed) > 0 || !w.state.Loaded || w.state.Error != "" || !slices.Equal(w.state.Problems, problems)
	if w.news.Services == nil {
		w.news.Services = map[string]*v1.Declared{}
	}
	maps.Copy(w.news.Services, changed)
	if !w.state.Loaded || !reflect.DeepEqual(w.now.Shared, next.Shared) {
		w.news.Shared, news = &next.Shared, true
	}
	if news && w.news.Seen.IsZero() {
		w.news.Seen = seen
	}
	w.now = next
	w.state = State{Loaded: true, Synced: time.Now(), Problems: problems}
	return news
}

// say logs each problem once for as long as it lasts.
func (w *Watcher) say(problems []v1.Problem) {
	now := map[string]bool{}
	for _, problem := range problems {
		text := problem.Error()
		if now[text] = true; !w.said[text] {
			w.options.Log.Warn("manifest is wrong; its last good version stays", "problem", text)
		}
	}
	if len(now) == 0 && len(w.said) > 0 {
		w.options.Log.Info("manifests are all good again")
	}
	w.said = now
}

// remember saves what was last good, and tries again at the next change when it can't.
func (w *Watcher) remember() {
	if !w.unsaved || w.options.Remember == nil {
		return
	}
	if err := w.options.Remember(w.shelf.memory); err != nil {
		w.options.Log.Error("what manifests last said can't be saved; a restart would lose it where a file is wrong", "error", err)
		return
	}
	w.unsaved = false
}

// String names the folders.
func (w *Watcher) String() string {
	return fmt.Sprintf("manifests in %s", strings.Join(w.options.Folders, ", "))
}
