package kong

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
)

// grouped are some consumers, two groups, and who is in which.
func grouped(members ...[2]string) v1.Shared {
	out := v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindGroup, "gold", body{"name": "gold"}), anEntity(v1.KindGroup, "silver", body{"name": "silver"}),
		anEntity(v1.KindConsumer, "alice", body{"username": "alice"}), anEntity(v1.KindConsumer, "bob", body{"username": "bob"}),
	}}
	for _, m := range members {
		out.Entities = append(out.Entities, anEntity(v1.KindMember, m[0]+"/"+m[1], nil, on("consumer", v1.KindConsumer, m[1]), on("consumer_group", v1.KindGroup, m[0])))
	}
	return out
}

// joined is who is in which group, as the stand-in has it.
func joined(k *fakekong.Kong) string {
	var out []string
	for line := range strings.Lines(k.World()) {
		if title, is := strings.CutPrefix(line, "consumer_group_consumer "); is {
			out = append(out, strings.NewReplacer("consumer_group ", "", "consumer ", "", "\n", "").Replace(title))
		}
	}
	return strings.Join(out, "; ")
}

// TestMembers: consumers go into groups and out of them, with little, and nothing is
// written where nothing changed, also not by a daemon that starts anew.
func TestMembers(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode, Groups: true})
			r := open(t, options(k.AdminURL))
			for _, step := range []struct {
				name   string
				shared v1.Shared
				want   string
				writes int // with a database
			}{
				{"two", grouped([2]string{"gold", "alice"}, [2]string{"gold", "bob"}), "gold, alice; gold, bob", 6},
				{"said twice", grouped([2]string{"gold", "alice"}, [2]string{"gold", "bob"}, [2]string{"gold", "alice"}), "gold, alice; gold, bob", 0},
				{"one moves", grouped([2]string{"gold", "alice"}, [2]string{"silver", "bob"}), "gold, alice; silver, bob", 2},
				{"a group goes", v1.Shared{Entities: grouped([2]string{"silver", "bob"}).Entities[1:]}, "silver, bob", 1},
				{"a consumer goes", v1.Shared{Entities: grouped().Entities[1:3]}, "", 1},
			} {
				from := k.Writes()
				if _, problems := declare(t, r, v1.Set{}, step.shared); len(problems) > 0 {
					t.Fatal(step.name, problems)
				}
				if diff := cmp.Diff(step.want, joined(k)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", step.name, diff)
				}
				if step.name == "two" {
					from += 2 // the mark, and what answers 503
				}
				if wrote := k.Writes() - from; mode == fakekong.Database && wrote != step.writes {
					t.Errorf("%s: %d writes", step.name, wrote)
				}
				before := k.Writes()
				for _, again := range []*Reconciler{r, open(t, options(k.AdminURL))} {
					if p, problems := declare(t, again, v1.Set{}, step.shared); !p.Empty() || len(problems) > 0 || k.Writes() != before {
						t.Errorf("%s: it is not quiet: %s %v", step.name, sentences(p), problems)
					}
				}
			}
			finish(t, k)
		})
	}
}

// TestMembersOfOthers: a stranger's consumer stays in our group, and keeps it from being
// removed; ours that somebody took out comes back.
func TestMembersOfOthers(t *testing.T) {
	k := start(t, fakekong.Options{Groups: true})
	r := open(t, options(k.AdminURL))
	shared := grouped([2]string{"gold", "alice"})
	if _, problems := declare(t, r, v1.Set{}, shared); len(problems) > 0 {
		t.Fatal(problems)
	}
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"theirs"}`)
	must(t, http.MethodPost, k.AdminURL+"/consumer_groups/gold/consumers", `{"consumer":"theirs"}`)
	must(t, http.MethodPost, k.AdminURL+"/consumer_groups/gold/consumers", `{"consumer":"bob"}`)
	must(t, http.MethodDelete, k.AdminURL+"/consumer_groups/gold/consumers/alice", "")
	if _, problems := declare(t, r, v1.Set{}, shared); len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff("gold, alice; gold, theirs", joined(k)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, problems := declare(t, r, v1.Set{}, v1.Shared{Entities: shared.Entities[1:4]})
	if len(problems) != 1 || problems[0].Reason != v1.Conflict || !strings.Contains(problems[0].Message, "also has a consumer group member that is not Lockstep's") {
		t.Fatal(problems)
	}
	if diff := cmp.Diff("gold, theirs", joined(k)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMembersLost: a group that somebody removed comes back with its members, and a try
// whose answer was lost is found to be done.
func TestMembersLost(t *testing.T) {
	k := start(t, fakekong.Options{Groups: true})
	r := open(t, options(k.AdminURL))
	shared := grouped([2]string{"gold", "alice"})
	k.Hook(func(q *http.Request) fakekong.Fault {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/consumers") && strings.Contains(q.URL.Path, "groups") {
			k.Hook(nil)
			return fakekong.Fault{Cut: fakekong.CutAfter}
		}
		return fakekong.Fault{}
	})
	for range 2 {
		if _, problems := declare(t, r, v1.Set{}, shared); len(problems) > 0 {
			t.Fatal(problems)
		}
		if diff := cmp.Diff("gold, alice", joined(k)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		must(t, http.MethodDelete, k.AdminURL+"/consumer_groups/gold", "")
	}
}

// TestMembersWithoutEdition: where Kong has no groups, they and their members are
// problems at their lines, and all else goes on.
func TestMembersWithoutEdition(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		_, problems := declare(t, r, v1.Set{}, grouped([2]string{"gold", "alice"}))
		if lent.has(t) && r.facts.Kinds[v1.KindGroup] != nil {
			t.Skip("the Kong at KONG_ADMIN_URL has consumer groups, and the test is about one that has none")
		}
		var said []string
		for _, p := range problems {
			said = append(said, p.Origin.String()+" "+p.Object.Name+": "+p.Message+"; "+p.Fix)
		}
		const fix = "; use an edition of Kong that does, or remove it"
		if diff := cmp.Diff([]string{
			"kong.yaml:4:1 consumer_group/gold: this Kong knows no consumer groups" + fix,
			"kong.yaml:6:1 consumer_group/silver: this Kong knows no consumer groups" + fix,
			"kong.yaml:10:1 consumer_group_member/gold/alice: this Kong knows no consumer group members" + fix,
		}, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.Contains(k.World(), "consumer alice") || !strings.Contains(k.World(), "consumer bob") {
			t.Error(k.World())
		}
	})
}

// TestMembersRendered: as a decK file, groups stand in consumers, and mean the same again.
func TestMembersRendered(t *testing.T) {
	k := start(t, fakekong.Options{Groups: true})
	r := open(t, options(k.AdminURL))
	shared := grouped([2]string{"gold", "alice"}, [2]string{"silver", "alice"})
	if _, problems := declare(t, r, v1.Set{}, shared); len(problems) > 0 {
		t.Fatal(problems)
	}
	files, problems, err := r.Render(v1.Set{}, shared)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	text := string(deckOf(files))
	if !strings.Contains(text, "groups:\n        - name: gold\n        - name: silver\n") {
		t.Errorf("no groups:\n%s", text)
	}
	world := joined(k)
	again := start(t, fakekong.Options{Groups: true})
	shared = read(t, text)
	shared.Entities = withoutReserved(shared.Entities)
	if _, problems := declare(t, open(t, options(again.AdminURL)), v1.Set{}, shared); len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(world, joined(again)); diff != "" {
		t.Errorf("(-rendered +read again):\n%s", diff)
	}
}

// TestMembersOfBase: memberships of the user's own file go along with ours.
func TestMembersOfBase(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess, Groups: true})
	o := options(k.AdminURL)
	o.Base = filepath.Join(t.TempDir(), "base.yaml")
	const base = `{_format_version: "3.0", consumers: [{username: theirs}], consumer_groups: [{name: free}], consumer_group_consumers: [{consumer: theirs, consumer_group: free}]}`
	if err := os.WriteFile(o.Base, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems := declare(t, open(t, o), v1.Set{}, grouped([2]string{"gold", "alice"})); len(problems) > 0 {
		t.Fatal(problems)
	}
	if diff := cmp.Diff("free, theirs; gold, alice", joined(k)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
