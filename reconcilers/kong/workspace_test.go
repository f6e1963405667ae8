package kong

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
)

// inWorkspace is what the world says of one workspace; "" for the default one.
func inWorkspace(world, name string) string {
	var out strings.Builder
	here := false
	for line := range strings.Lines(world) {
		if !strings.HasPrefix(line, "  ") {
			_, in, _ := strings.Cut(strings.TrimSpace(line), " in ")
			here = in == name
		}
		if here {
			out.WriteString(line)
		}
	}
	return out.String()
}

// TestWorkspace: everything is made, is quiet after a restart, and goes again within one
// workspace, and what others of the same names hold in theirs stays as it is.
func TestWorkspace(t *testing.T) {
	t.Parallel()
	k := start(t, fakekong.Options{Groups: true, Workspaces: []string{"team", "other"}})
	set := setOf(service("a", 1, 2), service("b", 3))
	shared := everything(t, "hush")
	within := func(name string) Options {
		o := options(k.AdminURL)
		o.Workspace = name
		return o
	}
	for _, name := range []string{"", "other"} {
		if _, problems := declare(t, open(t, within(name)), set, perWorkspace(shared)); len(problems) > 0 {
			t.Fatal(name, problems)
		}
	}
	before := k.World()
	k.Forget()
	for _, writes := range []bool{true, false} {
		p, problems := declare(t, open(t, within("team")), set, perWorkspace(shared))
		if len(problems) > 0 || p.Empty() == writes {
			t.Errorf("%v\n%s", problems, sentences(p))
		}
		if !writes && k.Writes() > 0 {
			t.Errorf("after a restart there are %d writes", k.Writes())
		}
		for _, r := range k.Requests() {
			if !strings.HasPrefix(r.Path, "/team/") || r.Status >= 300 {
				t.Errorf("%s %s is answered with %d", r.Method, r.Path, r.Status)
			}
		}
		k.Forget()
	}
	if diff := cmp.Diff(titles(inWorkspace(before, "other")), titles(inWorkspace(k.World(), "team"))); diff != "" {
		t.Errorf("in two workspaces:\n%s", diff)
	}
	if _, problems := declare(t, open(t, within("team")), v1.Set{}, v1.Shared{}); len(problems) > 0 {
		t.Error(problems)
	}
	for _, name := range []string{"", "other"} {
		if diff := cmp.Diff(inWorkspace(before, name), inWorkspace(k.World(), name)); diff != "" {
			t.Errorf("the workspace %q (-before +after):\n%s", name, diff)
		}
	}
	if left := inWorkspace(k.World(), "team"); strings.Contains(left, "route a") || strings.Contains(left, "consumer alice") {
		t.Errorf("there is left:\n%s", left)
	}
}

// titles are the entities of a workspace by name, but for those that have none.
func titles(world string) []string {
	var out []string
	for line := range strings.Lines(world) {
		if title, _, _ := strings.Cut(line, " in "); !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "plugin") && !strings.HasPrefix(line, "certificate") {
			out = append(out, title)
		}
	}
	return out
}

// perWorkspace leaves out what Kong has once for all workspaces: authorities, and ids that
// somebody chose.
func perWorkspace(s v1.Shared) v1.Shared {
	var kept []v1.Entity
	for _, e := range s.Entities {
		if e.Kind != "ca_certificate" && e.ID == "" {
			kept = append(kept, e)
		}
	}
	s.Entities = kept
	return s
}
