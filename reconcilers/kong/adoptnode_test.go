package kong

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
)

const foreign = `{"_format_version":"3.0","services":[{"name":"theirs","host":"theirs.test","routes":[{"name":"way","paths":["/"]}]}],"consumers":[{"username":"bob"}]}`

// TestNodeIsAdopted: what a node without a database holds goes once somebody has said
// so, and what is loaded there later is a conflict again.
func TestNodeIsAdopted(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	must(t, http.MethodPost, k.AdminURL+"/config", foreign)
	r, set := open(t, options(k.AdminURL)), setOf(service("a", 1))
	if _, _, err := round(t.Context(), r, set); reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "lockstep adopt") {
		t.Fatalf("got %v", err)
	}
	found, outcomes := adoptAll(t, r, set, v1.Shared{})
	if len(found) != 1 || found[0].Names[0] != "node/"+k.AdminURL || !strings.Contains(found[0].Advice, "--kong-base") {
		t.Fatalf("got %+v", found)
	}
	if diff := cmp.Diff([]string{"consumer bob", "route way", "service theirs"}, found[0].Goes); diff != "" {
		t.Errorf("what goes (-want +got):\n%s", diff)
	}
	if p := first(outcomes); p != nil || strings.Contains(k.World(), "theirs") || !strings.Contains(k.World(), "a.default.lockstep") {
		t.Errorf("%v; the node holds\n%s", p, k.World())
	}
	writes := k.Writes()
	if settled(t, r, set); k.Writes() != writes {
		t.Error("a further round writes")
	}
	if found, err := r.Adoptions(t.Context(), set, v1.Shared{}); err != nil || len(found) != 0 {
		t.Errorf("in the way then: %v, %v", found, err)
	}
	must(t, http.MethodPost, k.AdminURL+"/config", foreign)
	before := k.World()
	if _, _, err := round(t.Context(), r, set); reasonOf(err) != v1.Conflict || k.World() != before {
		t.Errorf("what was loaded later: %v", err)
	}
	if _, err := r.Owned(t.Context()); reasonOf(err) != v1.Conflict {
		t.Errorf("nothing can be given back there: %v", err)
	}
}

// TestNodeWithAllOfOursIsAdopted: what others have beside ours goes as well, though nothing
// of ours is to be changed.
func TestNodeWithAllOfOursIsAdopted(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	r, set := open(t, options(k.AdminURL)), setOf(service("a", 1))
	settled(t, r, set)
	want := k.World()
	state, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := declaration.Parse(r.rows, []byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	both, err := declaration.Render(r.rows, state, theirs)
	if err != nil {
		t.Fatal(err)
	}
	must(t, http.MethodPost, k.AdminURL+"/config", both)
	if p := settled(t, r, set); !p.Empty() || k.World() == want {
		t.Fatalf("it is no node with all of ours and more: %s\n%s", sentences(p), k.World())
	}
	if found, _ := adoptAll(t, r, set, v1.Shared{}); len(found) != 1 {
		t.Errorf("found %+v", found)
	}
	if diff := cmp.Diff(want, k.World()); diff != "" {
		t.Errorf("(-ours +there):\n%s", diff)
	}
	if found, err := r.Adoptions(t.Context(), set, v1.Shared{}); err != nil || len(found) > 0 {
		t.Errorf("then %v, %v", found, err)
	}
}

// TestNodeThatChangedIsNotAdopted: what was agreed to is what the node held then.
func TestNodeThatChangedIsNotAdopted(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	must(t, http.MethodPost, k.AdminURL+"/config", foreign)
	r, set := open(t, options(k.AdminURL)), setOf(service("a", 1))
	found, err := r.Adoptions(t.Context(), set, v1.Shared{})
	if err != nil {
		t.Fatal(err)
	}
	must(t, http.MethodPost, k.AdminURL+"/config", strings.ReplaceAll(foreign, "bob", "carol"))
	r.stale = true
	r.Adopt(found)
	before := k.World()
	if _, _, err := round(t.Context(), r, set); reasonOf(err) != v1.Conflict || k.World() != before {
		t.Errorf("got %v", err)
	}
}

// TestOneOfSeveralNodesIsAdopted: each for itself.
func TestOneOfSeveralNodesIsAdopted(t *testing.T) {
	own, theirs := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	must(t, http.MethodPost, theirs.AdminURL+"/config", foreign)
	o := options(own.AdminURL)
	o.AdminURLs = append(o.AdminURLs, theirs.AdminURL)
	n, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	set := setOf(service("a", 1))
	if _, _, err := round(t.Context(), n, set); err != nil {
		t.Fatal(err)
	}
	found, outcomes := adoptAll(t, n, set, v1.Shared{})
	if len(found) != 1 || found[0].Change.Key.Name != theirs.AdminURL {
		t.Fatalf("got %+v", found)
	}
	if p := first(outcomes); p != nil || own.World() != theirs.World() {
		t.Errorf("%v; they differ:\n%s", p, cmp.Diff(own.World(), theirs.World()))
	}
}
