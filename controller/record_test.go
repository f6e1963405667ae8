package controller

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// wordless is a reconciler that has no words for any section.
type wordless struct{ reconcilers.Reconciler }

func (w wordless) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state, problems := w.Reconciler.Compile(scope, set, shared)
	if scope.All() {
		for _, s := range shared.Sections {
			problems = append(problems, v1.Problem{Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindSection, Name: s.Name}, Origin: s.Origin, Message: "unknown mode"})
		}
	}
	return state, problems
}

// repeating is a reconciler whose changes are further tries of what was made before.
type repeating struct{ reconcilers.Reconciler }

func (r repeating) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	outcomes, err := r.Reconciler.Apply(ctx, p)
	for i := range outcomes {
		outcomes[i].Again = true
	}
	return outcomes, err
}

// TestFurtherTriesAreNotTold: what is seen to once more was counted and logged when it was made.
func TestFurtherTriesAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := begin(t, func(o *Options) {
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			o.Gateways[1].Reconciler = repeating{o.Gateways[1].Reconciler}
		})
		s.source.say(full("web"))
		first, second := string(s.status.Report().Gateways[0].Name), string(s.status.Report().Gateways[1].Name)
		for name, want := range map[string]int{first: 1, second: 0} {
			if got := strings.Count(log.String(), "msg=applied gateway="+name+" "); got != want {
				t.Errorf("%s: applied is logged %d times, want %d:\n%s", name, got, want, log.String())
			}
		}
		if n := s.status.Report().Gateways[1].Changes; n != 0 {
			t.Errorf("%d changes are counted", n)
		}
	})
}

// TestUnmadeIsLoggedOnce: what is wrong with an object that belongs to no service is logged when
// it comes up, and again only after it was right meanwhile.
func TestUnmadeIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := begin(t, func(o *Options) {
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			o.Gateways[1].Reconciler = wordless{o.Gateways[1].Reconciler}
		})
		said := func(step string, want int) {
			t.Helper()
			if got := strings.Count(log.String(), "an object of a manifest can't be served"); got != want {
				t.Errorf("%s: it is logged %d times, want %d:\n%s", step, got, want, log.String())
			}
		}
		wrong := &v1.Shared{Sections: []v1.Section{{Name: "redis", Origin: v1.Origin{File: "n.yaml", Line: 7, Column: 3}}}}
		first := full("web")
		first.Shared = wrong
		s.source.say(first)
		said("it comes", 1)
		if !strings.Contains(log.String(), "object=section/redis") || !strings.Contains(log.String(), "n.yaml:7:3") {
			t.Errorf("it does not say of what:\n%s", log.String())
		}
		s.source.say(snapshot.Delta{Changed: containers("web", "api")[1:]})
		pass(20 * time.Minute)
		said("it stays", 1)
		s.source.say(snapshot.Delta{Shared: &v1.Shared{}})
		s.source.say(snapshot.Delta{Shared: wrong})
		said("it comes back", 2)
	})
}
