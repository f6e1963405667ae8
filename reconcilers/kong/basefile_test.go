package kong

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// follower reconciles whenever the reconciler's watcher says that it is due.
type follower struct {
	Gateway
	file  string
	pokes chan struct{}
}

func follow(t *testing.T, o Options) *follower {
	t.Helper()
	f := &follower{Gateway: openAll(t, o), file: o.Base, pokes: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Watch(t.Context(), func() { // it ends with the test
			select {
			case f.pokes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { <-ended })
	return f
}

// write replaces the file, and waits until the watcher has noticed.
func (f *follower) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(f.file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.pokes: // of what was before
	default:
	}
	if err := os.Rename(f.file+".new", f.file); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.pokes:
	case <-time.After(time.Minute):
		t.Fatal("nobody noticed that the file is another one")
	}
}

// round takes a round in which every change must be made, and returns the problems.
func (f *follower) round(t *testing.T, set v1.Set) []v1.Problem {
	t.Helper()
	observed, err := f.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	desired, problems := f.Compile(reconcilers.Scope{}, set, v1.Shared{})
	outcomes, err := f.Apply(t.Context(), plan.Diff(observed, desired))
	if err != nil {
		t.Fatal(err)
	}
	if problem := first(outcomes); problem != nil {
		t.Fatal(problem)
	}
	return problems
}

// TestBaseIsFollowed: another file goes along without a restart, and what it no longer
// holds goes; a wrong one is named, and the last good one stays.
func TestBaseIsFollowed(t *testing.T) {
	for name, nodes := range map[string]int{"one node": 1, "two nodes": 2} {
		t.Run(name, func(t *testing.T) {
			var kongs []*fakekong.Kong
			for range nodes {
				kongs = append(kongs, start(t, fakekong.Options{Mode: fakekong.DBLess}))
			}
			o := several(kongs...)
			o.Base = baseOf(t, theirs)
			settled(t, openAll(t, o), setOf(service("a", 1)))
			o.Registerer = nil
			f := follow(t, o)
			holds := func(when string, words ...string) {
				t.Helper()
				for _, k := range kongs {
					for _, word := range words {
						absent, unwanted := strings.CutPrefix(word, "!")
						if strings.Contains(k.World(), absent) == unwanted {
							t.Errorf("%s: %q\n%s", when, word, k.World())
						}
					}
				}
			}
			quiet := func(set v1.Set) {
				t.Helper()
				writes := kongs[0].Writes()
				f.round(t, set)
				if kongs[0].Writes() != writes {
					t.Errorf("a further round pushes %d times", kongs[0].Writes()-writes)
				}
			}
			set := setOf(service("a", 1))
			if problems := f.round(t, set); len(problems) > 0 {
				t.Fatal(problems)
			}
			holds("at first", "service legacy", "consumer eve", "service a.lockstep")

			f.write(t, strings.ReplaceAll(strings.ReplaceAll(theirs, "legacy", "modern"), "key: theirs", "key: other"))
			if problems := f.round(t, set); len(problems) > 0 {
				t.Error(problems)
			}
			holds("another file", "service modern", "!legacy", "keyauth_credential other", "consumer eve", "service a.lockstep")
			quiet(set)

			f.write(t, "_format_version: '3.0'\nservices: [{planted")
			problems := f.round(t, set)
			if len(problems) != 1 || problems[0].Reason != v1.InvalidManifest || problems[0].Origin.File != o.Base || !strings.Contains(problems[0].Message, "no YAML") {
				t.Errorf("no YAML: %v", problems)
			}
			holds("no YAML", "service modern")
			quiet(set)

			wrong := strings.ReplaceAll(strings.ReplaceAll(theirs, "host: legacy.internal", "host: legacy.internal\n  protocol: planted"), "key: theirs", "key: planted")
			f.write(t, wrong)
			set = setOf(service("a", 1), service("b", 2))
			f.round(t, set)
			holds("what kong refuses", "service modern", "!legacy", "service b.lockstep")
			problems = f.round(t, set)
			if len(problems) != 1 || !strings.Contains(problems[0].Message, "kong refuses it: service legacy: protocol: ") || strings.Contains(problems[0].Error(), "planted") {
				t.Errorf("what kong refuses: %v", problems)
			}
			quiet(set)

			f.write(t, theirs)
			if problems := f.round(t, set); len(problems) > 0 {
				t.Error(problems)
			}
			holds("corrected", "service legacy", "!modern", "keyauth_credential theirs", "service a.lockstep", "service b.lockstep")
			for _, k := range kongs {
				if err := k.Restart(); err != nil {
					t.Fatal(err)
				}
			}
			f.round(t, set)
			holds("after they came back empty", "service legacy", "service b.lockstep")
			for _, k := range kongs { // somebody pushes what no file holds
				must(t, http.MethodPost, k.AdminURL+"/config", string(mustJSON(t, map[string]string{"config": strings.ReplaceAll(theirs, "eve", "mallory")})))
			}
			if _, outcomes, _ := round(t.Context(), f.Gateway, set); first(outcomes) == nil || first(outcomes).Reason != v1.Conflict {
				t.Errorf("what no file holds: %v", first(outcomes))
			}
		})
	}
}
