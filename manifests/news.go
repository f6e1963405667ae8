package manifests

import (
	"errors"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// State is how a Watcher is doing.
type State struct {
	Loaded   bool      // every folder, and the repository, was read at least once
	Synced   time.Time // when that was last
	Error    string    // why the folders can't be read; "" when they can
	Commit   string    // of the tree that counts; "" when there is none
	Refused  string    // commit of a newer tree that is wrong
	Problems []v1.Problem
}

// News is what changed since it was last taken.
type News struct {
	// Services are those that changed, by name; nil: no longer declared.
	Services map[string]*v1.Declared
	// Shared is what belongs to no service; nil: as before.
	Shared *v1.Shared
	// Policies are all that hold; nil: as before.
	Policies *policy.Set
	// Seen is when the oldest change was heard of; zero when it was only found.
	Seen time.Time
}

// lost notes that the folders can't be read; what they last said stays.
func (w *Watcher) lost(why error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := why.Error() + "; " + remedy(why)
	if w.state.Error == said {
		return false
	}
	w.state.Error = said
	return true
}

// remedy says what to do about folders that can't be read.
func remedy(why error) string {
	switch {
	case errors.Is(why, fs.ErrNotExist):
		return "create it, or name another with --manifests"
	case errors.Is(why, fs.ErrPermission):
		return "make it readable for this user, or name another with --manifests"
	case errors.Is(why, syscall.ENOTDIR):
		return "name a directory with --manifests"
	}
	return "name a directory with --manifests that can be read"
}

// publish hands over what changed. It reports whether there is anything to look at.
func (w *Watcher) publish(next Declaration, problems []v1.Problem, lost bool, seen time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := len(next.Services) > 0 || !w.state.Loaded || w.state.Error != "" || !slices.Equal(w.state.Problems, problems)
	before := w.state
	if w.news.Services == nil {
		w.news.Services = map[string]*v1.Declared{}
	}
	maps.Copy(w.news.Services, next.Services)
	if !w.state.Loaded || !reflect.DeepEqual(w.now.Shared, next.Shared) {
		w.news.Shared, news = &next.Shared, true
	}
	if !w.state.Loaded || !w.now.Policies.Equal(next.Policies) {
		w.news.Policies, news = &next.Policies, true
	}
	if news && w.news.Seen.IsZero() {
		w.news.Seen = seen
	}
	w.now = next
	w.state = State{Loaded: true, Synced: time.Now(), Problems: problems}
	if lost {
		w.state.Synced, w.state.Error = before.Synced, before.Error
	}
	if w.state.Commit, w.state.Refused = w.shelf.commits(); w.state.Commit != "" && w.state.Commit != before.Commit {
		tree := &w.shelf.standing.Tree
		w.options.Log.Info("the manifests of a commit count from now on", "commit", tree.Commit, "author", tree.Author, "subject", tree.Subject)
	}
	return news || w.state.Commit != before.Commit || w.state.Refused != before.Refused
}

// say logs each problem once for as long as it lasts; of many at once the first.
func (w *Watcher) say(problems []v1.Problem) {
	if slices.Equal(w.State().Problems, problems) {
		return // each was said
	}
	now, news := map[string]bool{}, 0
	for _, problem := range problems {
		text := problem.Error()
		if now[text] = true; w.said[text] {
			continue
		}
		switch news++; {
		case news > maxProblems:
		case slices.Contains(w.reveal.problems, problem):
			w.options.Log.Warn("what a manifest refers to can't be looked up; what it led to before stays, if there was anything", "problem", text)
		case w.shelf.stays(problem.Origin):
			w.options.Log.Warn("manifest is wrong; its last good version stays", "problem", text)
		default:
			w.options.Log.Warn("manifest is wrong, and was never good; nothing of it holds", "problem", text)
		}
	}
	if news > maxProblems {
		w.options.Log.Warn("more is wrong with manifests; see lockstep status", "count", news-maxProblems)
	}
	if len(now) == 0 && len(w.said) > 0 {
		w.options.Log.Info("manifests are all good again")
	}
	w.said = now
}

// remember saves what was last good, and tries again later when it can't. It comes before
// anybody hears of that: what a gateway has served is remembered, whenever the daemon dies.
func (w *Watcher) remember() {
	if standing := w.shelf.standing; standing != nil && standing != w.told && w.options.Counts != nil {
		err := w.options.Counts(&standing.Tree)
		if w.fails("repository", err) {
			w.options.Log.Error("the commit that counts can't be saved; a restart would need the repository", "error", err)
		}
		if w.told = standing; err != nil {
			w.told = nil // which one is remembered, nobody knows
		}
	}
	memory := &w.shelf.memory
	if !memory.Changed() || w.options.Remember == nil {
		return
	}
	changed := map[string][]byte{}
	for path, text := range memory.Changes() {
		if changed[path] = nil; text != nil {
			changed[path] = *text
		}
	}
	err := w.options.Remember(changed)
	if w.fails("files", err) {
		w.options.Log.Error("what manifests last said can't be saved; a restart would lose it where a file is wrong", "error", err)
	}
	if err == nil {
		memory.Saved()
	}
}

// fails notes whether something could be saved, and reports whether it can't from now on.
func (w *Watcher) fails(part string, err error) bool {
	before := w.unsaved[part]
	w.unsaved[part] = err != nil
	return err != nil && !before
}
