package controller

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// inTheWay begins with a stranger's backends in the places of web1 and web2 at kong.
func inTheWay(t *testing.T, change func(*Options)) *stage {
	t.Helper()
	s := begin(t, change)
	for _, name := range []string{"web1", "web2"} {
		if err := s.kong.Create(reconcilertest.Thing{Kind: "backend", Name: name, Owner: "stranger", Fields: map[string]string{"read_timeout": "9s"}}); err != nil {
			t.Fatal(err)
		}
	}
	s.source.say(full("web1", "web2"))
	return s
}

// told are the names of what an answer is about, with what became of each.
func told(list []Adopted) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Name+" done="+map[bool]string{true: "yes", false: "no"}[a.Done]+" "+a.Refused)
	}
	return out
}

// TestAdopt: a conflict with somebody else's object ends when it is adopted, by its
// service, by its name or with all others, and only as it was agreed to.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inTheWay(t, func(o *Options) { o.Gateways[1].Reconciler = counting{o.Gateways[1].Reconciler, new(atomic.Int64)} })
		if got := holds(s.kong); got != 2 {
			t.Fatalf("kong holds %d things that are called services before", got)
		}
		before := s.kong.World()
		preview, err := s.Adopt(t.Context(), AdoptOrder{Preview: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff([]string{"kong:backend/web1 done=no ", "kong:backend/web2 done=no "}, told(preview)); diff != "" {
			t.Errorf("would be adopted (-want +got):\n%s", diff)
		}
		if preview[0].ID != "stranger:backend/web1" || len(preview[0].Fields) == 0 || s.kong.World() != before {
			t.Errorf("the preview: %+v; now kong holds\n%s", preview[0], s.kong.World())
		}
		got, err := s.Adopt(t.Context(), AdoptOrder{Names: []string{"web1"}, IDs: []string{"stranger:backend/web2"}})
		if err != nil || got[0].Done || !strings.Contains(got[0].Refused, "somebody changed it meanwhile") || s.kong.World() != before {
			t.Errorf("what was not agreed to: %+v, %v", got, err)
		}
		got, err = s.Adopt(t.Context(), AdoptOrder{Names: []string{"kong:backend/web1"}, By: "alice"})
		synctest.Wait()
		if err != nil || len(got) != 1 || !got[0].Done || !strings.Contains(s.kong.World(), "server/web1") || strings.Contains(s.kong.World(), "server/web2") {
			t.Errorf("by its name: %+v, %v; kong holds\n%s", got, err, s.kong.World())
		}
		if _, err = s.Adopt(t.Context(), AdoptOrder{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.kong.World() != s.hap.World() || !allServe(s) {
			t.Errorf("kong holds\n%s\nhaproxy holds\n%s", s.kong.World(), s.hap.World())
		}
		if _, err := s.Adopt(t.Context(), AdoptOrder{Names: []string{"haproxy:backend/web1"}}); err == nil || !strings.Contains(err.Error(), "files of theirs") {
			t.Errorf("of a gateway where nothing can be adopted: %v", err)
		}
		_, err = s.Adopt(t.Context(), AdoptOrder{Names: []string{"web1"}})
		if !IsUnknown(err) || !strings.Contains(err.Error(), `"web1"`) {
			t.Errorf("of what is in nobody's way: %v", err)
		}
	})
}

func allServe(s *stage) bool {
	for _, service := range s.status.Report().Services {
		for _, instance := range service.Instances {
			for _, verdict := range instance.Verdicts {
				if verdict.Reason != v1.Serving {
					return false
				}
			}
		}
	}
	return true
}

// TestAdoptionThatFails stays as it was: whoever asked is told, and asks again.
func TestAdoptionThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inTheWay(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb == "give" {
				return errors.New("503")
			}
			return nil
		})
		got, err := s.Adopt(t.Context(), AdoptOrder{Names: []string{"web1"}})
		if err != nil || got[0].Done || !strings.Contains(got[0].Refused, "503") {
			t.Errorf("got %+v, %v", got, err)
		}
		s.kong.Fail(nil)
		synctest.Wait()
		if thing, _ := s.kong.Get("backend", "web1"); thing.Owner != "stranger" {
			t.Errorf("it was adopted after all: %v", thing)
		}
	})
}

// whole is a gateway that holds something of a stranger's as a whole, which no change is about.
type whole struct {
	*reconcilertest.Reconciler
	there func() bool
}

func (w whole) Adoptions(context.Context, v1.Set, v1.Shared) ([]reconcilers.Adoption, error) {
	if !w.there() {
		return nil, nil
	}
	return []reconcilers.Adoption{{Gateway: v1.Kong, ID: "1", Names: []string{"node/x"}, Change: plan.Change{Op: plan.Delete, Key: v1.Key{Kind: "node", Name: "x"}}}}, nil
}

// TestAdoptionOfAWhole: it is done when nothing of it is there any more, and not when the
// round that was to replace it went by.
func TestAdoptionOfAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, replaced := 0, false
		s := begin(t, func(o *Options) {
			r, ok := o.Gateways[0].Reconciler.(*reconcilertest.Reconciler)
			if !ok {
				t.Fatalf("%T", o.Gateways[0].Reconciler)
			}
			o.Gateways[0].Reconciler = whole{r, func() bool { looks++; return looks == 1 || !replaced }}
		})
		s.source.say(full("web1"))
		got, err := s.Adopt(t.Context(), AdoptOrder{Names: []string{"kong:node/x"}})
		if err != nil || len(got) != 1 || got[0].Done || !strings.Contains(got[0].Refused, "the same as before") {
			t.Errorf("of what stays: %+v, %v", got, err)
		}
		looks, replaced = 0, true
		got, err = s.Adopt(t.Context(), AdoptOrder{Names: []string{"kong:node/x"}})
		if err != nil || len(got) != 1 || !got[0].Done || got[0].Refused != "" {
			t.Errorf("of what went: %+v, %v", got, err)
		}
	})
}

// TestRelease: what is given back is a stranger's as it is, and in the way as such.
func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1"))
		if _, err := s.Adopt(t.Context(), AdoptOrder{Release: true, Names: []string{"kong:backend/web2"}}); !IsUnknown(err) {
			t.Errorf("of what is not ours: %v", err)
		}
		preview, err := s.Adopt(t.Context(), AdoptOrder{Release: true, Names: []string{"kong:backend/web1"}, Preview: true})
		if err != nil || len(preview) != 1 || s.kong.World() != s.hap.World() {
			t.Fatalf("the preview: %+v, %v", preview, err)
		}
		got, err := s.Adopt(t.Context(), AdoptOrder{Release: true, Names: []string{"kong:backend/web1"}})
		synctest.Wait()
		thing, _ := s.kong.Get("backend", "web1")
		if err != nil || !got[0].Done || thing.Owner != "somebody" {
			t.Errorf("got %+v, %v; it is %v", got, err, thing)
		}
		found, err := s.Adopt(t.Context(), AdoptOrder{Preview: true})
		if err != nil || len(found) != 1 || found[0].Name != "kong:backend/web1" {
			t.Errorf("in the way then: %+v, %v", found, err)
		}
	})
}

// TestOrdersWhilePaused: a gateway that is left alone is not written to by them.
func TestOrdersWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inTheWay(t, nil)
		if _, err := s.Pause(t.Context(), PauseOrder{Gateways: []v1.Gateway{v1.Kong}, By: "alice"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Adopt(t.Context(), AdoptOrder{}); err == nil || !strings.Contains(err.Error(), "lockstep resume kong") {
			t.Errorf("adopt: %v", err)
		}
		if found, err := s.Adopt(t.Context(), AdoptOrder{Preview: true}); err != nil || len(found) != 2 {
			t.Errorf("what would be adopted: %v, %v", found, err)
		}
		pruned, err := s.Prune(t.Context(), PruneOrder{})
		if err != nil || !strings.Contains(pruned[0].Error, "paused by alice") || pruned[1].Error != "" {
			t.Errorf("prune: %+v, %v", pruned, err)
		}
	})
}

// TestPauseBeforeItsTurn: an order that waited for its turn while the gateway was paused
// changes nothing there any more.
func TestPauseBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1"))
		kong, free, told := s.workers[0], make(chan struct{}), make(chan error, 1)
		go func() { _ = kong.visit(t.Context(), func(context.Context) { <-free }) }() // it holds up all that follows
		synctest.Wait()
		go func() {
			_, err := s.Adopt(t.Context(), AdoptOrder{Release: true, Names: []string{"kong:backend/web1"}})
			told <- err
		}()
		synctest.Wait()
		kong.setPause(&ledger.Pause{By: "alice"})
		writes := s.kong.Writes()
		close(free)
		if err := <-told; err == nil || !strings.Contains(err.Error(), "lockstep resume kong") || s.kong.Writes() != writes {
			t.Errorf("it was carried out: %v", err)
		}
	})
}

// TestPrune: what the guard keeps back goes when somebody says so, but never more than
// was agreed to, and not while a source can't say what it wants.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full(names(8)...))
		s.source.say(gone(names(8)[1:]...))
		pass(2 * time.Minute) // their grace is over
		held := holds(s.kong)
		if held < 4 {
			t.Fatalf("the guard keeps %d services, so the test tells nothing", held)
		}
		preview, err := s.Prune(t.Context(), PruneOrder{Preview: true})
		if err != nil || len(removed(preview[0])) == 0 || holds(s.kong) != held {
			t.Fatalf("the preview: %+v, %v", preview, err)
		}
		pruned, err := s.Prune(t.Context(), PruneOrder{Objects: removed(preview[0])[:1]})
		if err != nil || !strings.Contains(pruned[0].Error, "more would go by now") || holds(s.kong) != held {
			t.Errorf("less than would go was agreed to: %+v, %v", pruned, err)
		}
		s.source.lose(true)
		if pruned, err = s.Prune(t.Context(), PruneOrder{}); err != nil || !strings.Contains(pruned[0].Error, "a source does not answer") || holds(s.kong) != held {
			t.Errorf("while a source is away: %+v, %v", pruned, err)
		}
		s.source.lose(false)
		if pruned, err = s.Prune(t.Context(), PruneOrder{Objects: removed(preview[0])}); err != nil || pruned[0].Error != "" || len(removed(pruned[0])) == 0 {
			t.Errorf("got %+v, %v", pruned, err)
		}
		if got := holds(s.kong); got != 1 {
			t.Errorf("%d services are left, want 1:\n%s", got, s.kong.World())
		}
	})
}

// TestPruneOfWhatWasRefused: what the gateway did not remove before is among what would go,
// so that nobody agrees to less.
func TestPruneOfWhatWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		all := names(3)
		s.source.say(full(all...))
		s.kong.Fail(func(c reconcilertest.Call) error {
			if strings.HasPrefix(c.Verb, "delete") {
				return reconcilertest.ErrTaken
			}
			return nil
		})
		s.source.say(gone(all[0]))
		pass(2 * time.Minute)
		s.kong.Fail(nil)
		preview, err := s.Prune(t.Context(), PruneOrder{Preview: true})
		if err != nil || len(removed(preview[0])) == 0 {
			t.Fatalf("would go: %+v, %v", preview, err)
		}
		if pruned, err := s.Prune(t.Context(), PruneOrder{Objects: []string{"something/else"}}); err != nil || !strings.Contains(pruned[0].Error, "more would go") {
			t.Errorf("less was agreed to: %+v, %v", pruned, err)
		}
		pruned, err := s.Prune(t.Context(), PruneOrder{Objects: removed(preview[0])})
		if diff := gocmp.Diff(removed(preview[0]), removed(pruned[0])); err != nil || diff != "" {
			t.Errorf("%v; (-would go +went):\n%s", err, diff)
		}
	})
}

// removed are the keys of what went, or would.
func removed(p Pruned) []string {
	var out []string
	for _, outcome := range p.Outcomes {
		out = append(out, outcome.Change.Key.String())
	}
	return out
}

// TestUninstall: nothing of ours is left, of others everything.
func TestUninstall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		if err := s.kong.Create(reconcilertest.Thing{Kind: "backend", Name: "theirs", Owner: "stranger"}); err != nil {
			t.Fatal(err)
		}
		s.source.say(full("web1", "web2"))
		r := reconcilers.Reconciler(s.kong.Open("lockstep"))
		before := s.kong.World()
		would := Uninstall(t.Context(), Gateway{Name: v1.Kong, Reconciler: r}, true)
		if s.kong.World() != before || len(would.Outcomes) < 5 {
			t.Errorf("would go: %v", removed(would))
		}
		did := Uninstall(t.Context(), Gateway{Name: v1.Kong, Reconciler: r}, false)
		if did.Error != "" || len(did.Outcomes) != len(would.Outcomes) || s.kong.World() != "backend/theirs owner=stranger parent= \n" {
			t.Errorf("went: %v (%s), left:\n%s", removed(did), did.Error, s.kong.World())
		}
		for _, outcome := range did.Outcomes {
			if outcome.Problem != nil || outcome.Change.Op != plan.Delete {
				t.Errorf("%s: %v", outcome.Change.Sentence(), outcome.Problem)
			}
		}
	})
}

// TestUninstallThatFails keeps the writer's mark for as long as something of ours is there,
// and says of each what became of it once.
func TestUninstallThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1", "web2"))
		s.kong.Fail(func(c reconcilertest.Call) error {
			if strings.HasPrefix(c.Verb, "delete") && strings.HasSuffix(c.ID, "/web1") {
				return errors.New("503")
			}
			return nil
		})
		did := Uninstall(t.Context(), Gateway{Name: v1.Kong, Reconciler: s.kong.Open("lockstep")}, false)
		times, failed := map[string]int{}, 0
		for _, outcome := range did.Outcomes {
			if times[outcome.Change.Key.String()]++; outcome.Problem != nil {
				failed++
			}
		}
		for key, n := range times {
			if n > 1 {
				t.Errorf("%s is told of %d times", key, n)
			}
		}
		if failed == 0 || !strings.Contains(s.kong.World(), "unavailable") {
			t.Errorf("%d failed; left:\n%s", failed, s.kong.World())
		}
	})
}
