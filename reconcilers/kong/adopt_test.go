package kong

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// adoptAll is what the controller does when somebody asks for all adoptions.
func adoptAll(t *testing.T, r reconcilers.Reconciler, set v1.Set, shared v1.Shared) ([]reconcilers.Adoption, []plan.Outcome) {
	t.Helper()
	adopter, can := r.(reconcilers.Adopter)
	if !can {
		t.Fatalf("%T adopts nothing", r)
	}
	found, err := adopter.Adoptions(t.Context(), set, shared)
	if err != nil {
		t.Fatal(err)
	}
	adopter.Adopt(slices.DeleteFunc(slices.Clone(found), func(a reconcilers.Adoption) bool { return a.Refused != "" || a.Unless != "" }))
	observed, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	desired, _ := r.Compile(reconcilers.Scope{}, set, shared)
	outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
	if err != nil {
		t.Fatal(err)
	}
	return found, outcomes
}

// refsOf are the fields of all kinds that name another entity.
func refsOf(rows []*entity.Row) map[string]bool {
	fields := map[string]bool{}
	for _, row := range rows {
		for field := range row.Refs {
			fields[field] = true
		}
	}
	return fields
}

// replant puts all entities of one Kong into another as a stranger would have made
// them: with other ids, without tags, and some values different. It returns their ids by kind.
func replant(t *testing.T, from, to *fakekong.Kong, rows []*entity.Row) map[v1.Kind][]string {
	t.Helper()
	ids, refs, planted := map[string]string{}, refsOf(rows), map[v1.Kind][]string{}
	for _, row := range rows {
		paths := []string{"/" + row.Path}
		if row.Kind == v1.KindGroup || row.Kind == v1.KindMember {
			continue // the stand-in is an edition without
		}
		if row.Within != "" {
			paths = nil
			for _, id := range planted[row.Within] {
				for old, now := range ids {
					if now == id {
						paths = append(paths, "/"+entity.RowOf(rows, row.Within).Path+"/"+old+"/"+row.Path)
					}
				}
			}
		}
		for _, path := range paths {
			var page struct{ Data []map[string]any }
			if err := json.Unmarshal([]byte(must(t, http.MethodGet, from.AdminURL+path, "")), &page); err != nil {
				t.Fatal(err)
			}
			for _, body := range page.Data {
				if strings.Contains(fmt.Sprint(body["name"]), "-unavailable") {
					continue
				}
				old := fmt.Sprint(body["id"])
				ids[old] = uuid.NewSHA1(uuid.NameSpaceURL, []byte(old)).String() // the same each time
				body["id"] = ids[old]
				for _, field := range append([]string{"tags", "created_at", "updated_at"}, row.Derived...) {
					delete(body, field)
				}
				for field := range refs {
					if id := entity.Reference(body, field); id != "" {
						body[field] = map[string]any{"id": ids[id]}
					}
				}
				if row.Kind == v1.KindService {
					body["retries"] = 3
				}
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				must(t, http.MethodPost, to.AdminURL+row.PathOf(rows, body), string(text))
				planted[row.Kind] = append(planted[row.Kind], ids[old])
			}
		}
	}
	return planted
}

// TestEveryKindIsAdopted: whatever a stranger has in a place that we want becomes
// ours where it stands: its id stays, a restart finds it, and it goes as ours does.
func TestEveryKindIsAdopted(t *testing.T) {
	t.Parallel()
	shared, set := everything(t, "hush"), setOf(service("a", 1))
	set["a"].Routes[0].Plugins = []v1.Plugin{plugin("key-auth")}
	model := start(t, fakekong.Options{})
	made := open(t, options(model.AdminURL))
	if _, problems := declare(t, made, set, shared); len(problems) > 0 {
		t.Fatal(problems)
	}
	k := start(t, fakekong.Options{})
	planted := replant(t, model, k, made.rows)
	r := open(t, options(k.AdminURL))
	before := k.World()
	_, problems := declare(t, r, set, shared)
	for _, p := range problems {
		if p.Reason == v1.Conflict && !strings.Contains(p.Fix, "lockstep adopt") && !strings.Contains(p.Message, "waits for") && p.Object.Name != "consumer/by id with the id 7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11" {
			t.Errorf("%s: %s: %s", p.Object, p.Message, p.Fix)
		}
	}
	if world := k.World(); !strings.Contains(world, "theirs") && strings.Count(before, "\n") > strings.Count(world, "\n") {
		t.Errorf("something of theirs is gone:\n%s", cmp.Diff(before, world))
	}

	found, outcomes := adoptAll(t, r, set, shared)
	got := map[v1.Kind]int{}
	for _, a := range found {
		got[a.Change.Key.Kind]++
		if a.Change.Before == nil || len(a.Change.Fields) == 0 || strings.Contains(a.Change.Sentence(), "hush-") {
			t.Errorf("what would be adopted: %s", a.Change.Sentence())
		}
		if (a.Refused != "") != (a.Change.Key.Name == "@7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11") {
			t.Errorf("%s is refused: %q", a.Change.Key, a.Refused)
		}
	}
	want := map[v1.Kind]int{}
	for kind, ids := range planted {
		if kind != v1.KindCertificate { // Kong holds any number of the same
			want[kind] = len(ids)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("adoptions by kind (-planted +found):\n%s", diff)
	}
	for _, outcome := range outcomes {
		if p := outcome.Problem; p != nil && outcome.Change.Key.Name != "@7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11" {
			t.Errorf("%s: %v", outcome.Change.Sentence(), p)
		}
	}

	// As after a restart, the user having renamed what they gave another id.
	consumers := slices.IndexFunc(shared.Entities, func(e v1.Entity) bool { return e.ID != "" })
	shared.Entities = slices.Delete(shared.Entities, consumers, consumers+1)
	r = open(t, options(k.AdminURL))
	declare(t, r, set, shared)
	writes := k.Writes()
	p, problems := declare(t, open(t, options(k.AdminURL)), set, shared)
	if !p.Empty() || len(problems) > 0 || k.Writes() != writes {
		t.Errorf("a restart changes something: %v %v", p.Changes, problems)
	}
	for kind, ids := range planted {
		if kind == v1.KindCertificate {
			continue
		}
		for key, o := range observedOf(t, r) {
			rec, _ := o.Native.(*entity.Record)
			if i := slices.Index(ids, rec.ID); key.Kind == kind && i >= 0 {
				ids = slices.Delete(ids, i, i+1)
				if entity.Tagged(rec.Body, entity.TagAdopted) != rec.ID || strings.HasPrefix(key.Name, "@") {
					t.Errorf("%s does not say that it was adopted: %v", key, rec.Body["tags"])
				}
			}
		}
		if len(ids) > 0 && kind != v1.KindConsumer {
			t.Errorf("%s: these did not stay: %v", kind, ids)
		}
	}

	declare(t, r, v1.Set{}, v1.Shared{})
	for line := range strings.Lines(k.World()) {
		if !strings.HasPrefix(line, " ") && !strings.Contains(line, "unavailable") && !strings.HasPrefix(line, "certificate") && !strings.Contains(line, "by id") {
			t.Errorf("it stays when it is no longer wanted: %s", line)
		}
	}
}

func observedOf(t *testing.T, r *Reconciler) plan.State {
	t.Helper()
	state, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return state
}
