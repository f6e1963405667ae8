package kong

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// proofFails lets every write of the proof fail.
func proofFails(r *http.Request) fakekong.Fault {
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/ffffffff-") {
		return fakekong.Fault{Status: http.StatusInternalServerError, Body: `{"message":"An unexpected error occurred"}`}
	}
	return fakekong.Fault{}
}

// TestProofFails: what can't be written of the proof fails nothing of the user's, is
// told, and made up for.
func TestProofFails(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	w := verifying(t, r)
	w.serves(mustRound(t, r, setOf(service("a", 1))))
	k.Hook(proofFails)
	generation := mustRound(t, r, setOf(service("a", 1), closed("b", "418")))
	w.until("the trouble", func(v reconcilers.Verification) bool { return strings.Contains(v.Problem, "lockstep.verify") })
	if w.last.Verified >= generation || w.last.Accepted != generation {
		t.Errorf("generation %d: %+v", generation, w.last)
	}
	k.Hook(nil)
	watchOne(t, r)
	mustRound(t, r, setOf(service("a", 1), closed("b", "418")))
	w.serves(generation)
	if k.Hook(nil); r.verifier.Owes() {
		t.Error("something is owed still")
	}
}

// watchOne waits until the watcher asks for a round.
func watchOne(t *testing.T, r *Reconciler) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	poked := false
	_ = r.Watch(ctx, func() { poked = true; stop() }) // it ends with its context, and says that
	if !poked {
		t.Error("nobody asks for a round")
	}
}

// TestProofOfOthers: a stranger's route of its name is a conflict of the proof alone.
func TestProofOfOthers(t *testing.T) {
	k := start(t, fakekong.Options{})
	must(t, http.MethodPut, k.AdminURL+"/routes/lockstep-verify", `{"paths":["/theirs"]}`)
	r := open(t, proven(k))
	w := verifying(t, r)
	_, outcomes, err := round(t.Context(), r, setOf(service("a", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Problem != nil && !entity.IsProof(o.Change.Key) {
			t.Errorf("%s: %v", o.Change.Sentence(), o.Problem)
		}
	}
	if p := first(outcomes); p == nil || p.Reason != v1.Conflict {
		t.Errorf("the proof: %v", p)
	}
	w.until("the trouble", func(v reconcilers.Verification) bool { return v.Problem != "" && v.Verified < v.Accepted })
	if r.verifier.Owes() {
		t.Error("Watch asks for a round over everything again and again, though the outcome tells of it")
	}
}

// TestProofWithoutPlugin: a Kong that can't prove what it serves is told of, gets no proof,
// and is not asked for rounds on its account.
func TestProofWithoutPlugin(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	if err := r.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	delete(r.facts.Plugins, entity.ProofPlugin)
	r.verifier.Learn([]byte(`{}`), true, false)
	w := verifying(t, r)
	observed, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	wanted, problems := r.Compile(reconcilers.Scope{}, setOf(service("a", 1)), v1.Shared{})
	outcomes, err := r.Apply(t.Context(), plan.Diff(observed, wanted))
	if err != nil || len(problems) > 0 || first(outcomes) != nil || strings.Contains(k.World(), "lockstep-verify") || r.verifier.Owes() {
		t.Errorf("%v, %v, %v:\n%s", err, problems, first(outcomes), k.World())
	}
	w.until("the trouble", func(v reconcilers.Verification) bool {
		return v.Accepted == 1 && v.Verified == 0 && strings.Contains(v.Problem, entity.ProofPlugin) && strings.Contains(v.Fix, "plugins")
	})
}

// TestProofStays: nobody gets it as his own, neither given back nor rendered.
func TestProofStays(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	settled(t, r, setOf(service("a", 1)))
	owned, err := r.Owned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for _, a := range owned {
		if entity.IsProof(a.Change.Key) {
			refused[a.Change.Key.Name] = a.Refused != ""
		}
	}
	files, problems, err := r.Render(setOf(service("a", 1)), v1.Shared{})
	if err != nil || len(problems) > 0 || len(files) != 1 || strings.Contains(files[0].Text, "verify") || !strings.Contains(files[0].Text, "a.default") {
		t.Errorf("rendered: %v, %v, %+v", err, problems, files)
	}
	if diff := cmp.Diff(map[string]bool{entity.ProofKey: true, "route/@verify/request-termination": true}, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// TestProofGoes: without an address of the proxy nothing of it is left.
func TestProofGoes(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		fresh, k := start(t, fakekong.Options{Mode: mode}), start(t, fakekong.Options{Mode: mode})
		settled(t, open(t, options(fresh.AdminURL)), setOf(service("a", 1)))
		settled(t, open(t, proven(k)), setOf(service("a", 1)))
		if with := k.World(); !strings.Contains(with, "lockstep-verify") || !strings.Contains(with, "request-termination") {
			t.Errorf("%s: there is no proof:\n%s", mode, with)
		}
		_, outcomes, err := round(t.Context(), open(t, options(k.AdminURL)), setOf(service("a", 1)))
		if err != nil || generationOf(t, outcomes) != 0 {
			t.Error(err, outcomes)
		}
		if diff := cmp.Diff(fresh.World(), k.World()); diff != "" {
			t.Errorf("%s (-without +left):\n%s", mode, diff)
		}
	}
}
