package kong

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
)

// reasonOf is the reason of an error about a gateway as a whole.
func reasonOf(err error) v1.Reason {
	if problem, ok := errors.AsType[v1.Problem](err); ok {
		return problem.Reason
	}
	return ""
}

func TestOneWriterForAnOwner(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			o := options(k.AdminURL)
			o.MarkAge = time.Nanosecond
			mine := open(t, o)
			settled(t, mine, setOf(service("a", 1)))
			before, writes := k.World(), k.Writes()

			o.Writer = "writer-2"
			other := open(t, o)
			_, outcomes, err := round(t.Context(), other, setOf(service("b", 2)))
			if reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "writer-1") || !strings.Contains(err.Error(), "--takeover") {
				t.Errorf("a second writer gets: %v", err)
			}
			if rival := other.Rival(); rival == nil || rival.Error() != err.Error() {
				t.Errorf("what would be refused: %v, want %v", rival, err)
			}
			if rival := mine.Rival(); rival != nil {
				t.Errorf("the first writer has a rival: %v", rival)
			}
			if p := first(outcomes); p == nil || p.Reason != v1.Conflict {
				t.Errorf("its changes: %v", p)
			}
			if k.Writes() != writes || k.World() != before {
				t.Errorf("the second writer wrote %d times", k.Writes()-writes)
			}

			o.Takeover = true
			other = open(t, o)
			settled(t, other, setOf(service("b", 2)))
			if world := k.World(); strings.Contains(world, "writer-1") || !strings.Contains(world, "b.default.lockstep") {
				t.Errorf("after the takeover:\n%s", world)
			}
			writes = k.Writes()
			if _, _, err = round(t.Context(), mine, setOf(service("a", 1))); reasonOf(err) != v1.Conflict || k.Writes() != writes {
				t.Errorf("the first writer goes on: %v, %d writes", err, k.Writes()-writes)
			}
		})
	}
}

// TestTakeoverHappensOnce: two daemons with --takeover must not fight for ever.
func TestTakeoverHappensOnce(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.MarkAge, o.Takeover = time.Nanosecond, true
	a := open(t, o)
	o.Writer = "writer-2"
	b := open(t, o)
	settled(t, a, setOf(service("a", 1)))
	settled(t, b, setOf(service("a", 2)))
	if _, _, err := round(t.Context(), a, setOf(service("a", 1))); reasonOf(err) != v1.Conflict {
		t.Errorf("the first takes over a second time: %v", err)
	}
}

func TestStrangersNames(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	must(t, http.MethodPost, k.AdminURL+"/services", `{"name":"a.lockstep","host":"theirs.test"}`)
	must(t, http.MethodPost, k.AdminURL+"/upstreams", `{"name":"b.lockstep","tags":["lockstep-owner:other"]}`)
	before := must(t, http.MethodGet, k.AdminURL+"/services/a.lockstep", "") + must(t, http.MethodGet, k.AdminURL+"/upstreams/b.lockstep", "")
	_, outcomes, err := round(t.Context(), r, setOf(service("a", 1), service("b", 2), service("c", 3)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]v1.Reason{}
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			got[outcome.Change.Key.String()] = outcome.Problem.Reason
			if !strings.Contains(outcome.Problem.Message, "not Lockstep's") {
				t.Errorf("%s: %s", outcome.Change.Key, outcome.Problem.Message)
			}
		}
	}
	want := map[string]v1.Reason{
		"service/a": v1.Conflict, "route/a.default": v1.Conflict,
		"upstream/b": v1.Conflict, "target/b/10.0.0.2:80": v1.Conflict, "service/b": v1.Conflict, "route/b.default": v1.Conflict,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	after := must(t, http.MethodGet, k.AdminURL+"/services/a.lockstep", "") + must(t, http.MethodGet, k.AdminURL+"/upstreams/b.lockstep", "")
	if before != after {
		t.Errorf("a stranger's entities changed:\n%s\n%s", before, after)
	}
	if !strings.Contains(k.World(), "c.default.lockstep") {
		t.Error("the service without a conflict is not made")
	}
}

// TestEntityWithoutOurTag: an id of ours does not make an entity ours.
func TestEntityWithoutOurTag(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("a", 1)))
	path := k.AdminURL + "/services/" + r.names.ID(v1.KindService, "a")
	must(t, http.MethodPatch, path, `{"tags":["kept by hand"],"host":"elsewhere.test"}`)
	before := must(t, http.MethodGet, path, "")
	_, outcomes, err := round(t.Context(), r, setOf(service("a", 1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if p := first(outcomes); p == nil || p.Reason != v1.Conflict || !strings.Contains(p.Message, "without Lockstep's tag") {
		t.Errorf("the problem is %v", p)
	}
	if after := must(t, http.MethodGet, path, ""); after != before {
		t.Errorf("it was changed:\n%s\n%s", before, after)
	}
}

// TestStrangersInsideOurs: a stranger's target or route would go with our
// upstream, or keeps our service; both are conflicts, and neither is touched.
func TestStrangersInsideOurs(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("a", 1), service("b", 2)))
	must(t, http.MethodPost, k.AdminURL+"/upstreams/a.lockstep/targets", `{"target":"10.9.9.9:80"}`)
	must(t, http.MethodPost, k.AdminURL+"/services/b.lockstep/routes", `{"name":"theirs","paths":["/theirs"]}`)
	_, outcomes, err := round(t.Context(), r, v1.Set{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, outcome := range outcomes {
		if p := outcome.Problem; p != nil {
			got[outcome.Change.Key.String()] = fmt.Sprintf("%s %t %t", p.Reason, strings.Contains(p.Message, "10.9.9.9:80"), strings.Contains(p.Message, "theirs"))
		}
	}
	want := map[string]string{"upstream/a": "Conflict true false", "service/b": "Conflict false true", "upstream/b": "Conflict false true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	world := k.World()
	for _, kept := range []string{"10.9.9.9:80", "route theirs"} {
		if !strings.Contains(world, kept) {
			t.Errorf("%s is gone:\n%s", kept, world)
		}
	}
	if strings.Contains(world, "10.0.0.1:80") {
		t.Errorf("our own target stays:\n%s", world)
	}
}

func TestDBLessNodeOfSomebodyElse(t *testing.T) {
	for name, config := range map[string]string{
		"a service":  `{"_format_version":"3.0","services":[{"name":"theirs","host":"theirs.test"}]}`,
		"a consumer": `{"_format_version":"3.0","consumers":[{"username":"bob"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: fakekong.DBLess})
			must(t, http.MethodPost, k.AdminURL+"/config", config)
			before, writes := k.World(), k.Writes()
			_, outcomes, err := round(t.Context(), open(t, options(k.AdminURL)), setOf(service("a", 1)))
			if reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "neither empty nor Lockstep's") {
				t.Errorf("got %v", err)
			}
			if p := first(outcomes); p == nil || p.Reason != v1.Conflict {
				t.Errorf("the changes: %v", p)
			}
			if k.World() != before || k.Writes() != writes {
				t.Errorf("the node was written to:\n%s", cmp.Diff(before, k.World()))
			}
		})
	}
}
