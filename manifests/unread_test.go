package manifests

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// The parts of files with policies.
const (
	goodPolicy = "apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: house}\nspec: {rules: [{require: 'source == \"labels\"', message: no}]}\n"
	badPolicy  = "apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: house}\nspec: {rules: [{require: 'hots == []', message: no}]}\n"
	goodAlone  = "apiVersion: lockstep.dev/v1\nkind: Listener\nmetadata: {name: inner}\nspec: {bind: [':81'], hosts: [admin.test], exclusive: true}\n"
	badAlone   = "apiVersion: lockstep.dev/v1\nkind: Listener\nmetadata: {name: inner}\nspec: {bnd: [':81'], hosts: [admin.test], exclusive: true}\n"
	badShared  = "apiVersion: lockstep.dev/v1\nkind: Listener\nmetadata: {name: inner}\nspec: {bnd: [':81'], hosts: [admin.test]} # exclusive: true\n"
	badService = "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {hots: [web.test]}\n"
)

// unreadOf says which policies are known to be wrong and no more, and which hold.
func unreadOf(set policy.Set) string {
	var out []string
	for _, p := range set {
		if p.Unread != nil {
			out = append(out, "unread "+p.Unread.Origin.File)
		} else {
			out = append(out, p.Name)
		}
	}
	return strings.Join(out, ", ")
}

// say has a file say something.
func (s *shelf) say(path, text string) {
	r := reading{path: path}
	r.say(s.files[path], []byte(text))
	s.put(&r)
}

// TestUnread: what a file seems to hold of policies that do not count is known, and never
// more than that.
func TestUnread(t *testing.T) {
	for name, c := range map[string]struct {
		steps []map[string]string // what files say, one step after the other; "-" can't be read
		want  string
	}{
		"good":                             {[]map[string]string{{"a.yaml": goodPolicy}}, "house"},
		"never good":                       {[]map[string]string{{"a.yaml": badPolicy}}, "unread a.yaml"},
		"was good":                         {[]map[string]string{{"a.yaml": goodPolicy}, {"a.yaml": badPolicy}}, "house"},
		"corrected":                        {[]map[string]string{{"a.yaml": badPolicy}, {"a.yaml": goodPolicy}}, "house"},
		"one more in a file that was":      {[]map[string]string{{"a.yaml": goodPolicy}, {"a.yaml": goodPolicy + "---\n" + strings.ReplaceAll(badPolicy, "house", "more")}}, "unread a.yaml, house"},
		"in what held none":                {[]map[string]string{{"a.yaml": service("web", "/")}, {"a.yaml": service("web", "/") + "---\n" + badPolicy}}, "unread a.yaml"},
		"good beside what is wrong":        {[]map[string]string{{"a.yaml": goodPolicy + "---\n" + badService}}, "unread a.yaml"},
		"of a name that there is":          {[]map[string]string{{"a.yaml": goodPolicy}, {"b.yaml": goodPolicy}}, "unread b.yaml, house"},
		"no YAML":                          {[]map[string]string{{"a.yaml": "kind: Policy\n\tspec: x"}}, "unread a.yaml"},
		"mistyped kind":                    {[]map[string]string{{"a.yaml": strings.Replace(goodPolicy, "Policy", "Polcy", 1)}}, "unread a.yaml"},
		"kind in lower case":               {[]map[string]string{{"a.yaml": strings.Replace(goodPolicy, "Policy", "policy", 1)}}, "unread a.yaml"},
		"mistyped word kind":               {[]map[string]string{{"a.yaml": strings.Replace(goodPolicy, "kind", "knd", 1)}}, "unread a.yaml"},
		"in JSON":                          {[]map[string]string{{"a.yaml": `{"apiVersion": "lockstep.dev/v2", "kind": "Policy"}`}}, "unread a.yaml"},
		"nothing of the sort":              {[]map[string]string{{"a.yaml": badService}}, ""},
		"spoken of in a comment":           {[]map[string]string{{"a.yaml": "# see kind: Policy\n" + badService}}, ""},
		"a Listener never good":            {[]map[string]string{{"a.yaml": badAlone}}, "unread a.yaml"},
		"a Listener, mistyped":             {[]map[string]string{{"a.yaml": strings.NewReplacer("Listener", "Listner", "exclusive", "exlusive").Replace(goodAlone)}}, "unread a.yaml"},
		"a Listener was good":              {[]map[string]string{{"a.yaml": goodAlone}, {"a.yaml": badAlone}}, ""},
		"a Listener that takes hosts now":  {[]map[string]string{{"a.yaml": strings.Replace(goodAlone, ", exclusive: true", "", 1)}, {"a.yaml": badAlone}}, "unread a.yaml"},
		"a Listener corrected":             {[]map[string]string{{"a.yaml": badAlone}, {"a.yaml": goodAlone}}, ""},
		"a Listener whose address is had":  {[]map[string]string{{"a.yaml": goodAlone}, {"b.yaml": strings.ReplaceAll(goodAlone, "inner", "other")}}, "unread b.yaml"},
		"a Listener that keeps out none":   {[]map[string]string{{"a.yaml": badShared}, {"b.yaml": strings.Replace(badAlone, "true", "false", 1)}}, ""},
		"the word elsewhere":               {[]map[string]string{{"a.yaml": badService + "  exclusive: true\n"}}, ""},
		"good beside a policy that is not": {[]map[string]string{{"a.yaml": goodAlone}, {"a.yaml": goodAlone + "---\n" + badPolicy}}, "unread a.yaml"},
		"removed":                          {[]map[string]string{{"a.yaml": badPolicy}, {"a.yaml": ""}}, ""},
		"a file that can't be read":        {[]map[string]string{{"a.yaml": "-"}}, "unread a.yaml"},
		"a file that can't be read again":  {[]map[string]string{{"a.yaml": goodPolicy}, {"a.yaml": "-"}}, "house"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(map[string][]byte{}, nil)
			var linked together
			for _, step := range c.steps {
				for path, text := range step {
					if text == "-" {
						s.fail(path, errors.New("permission denied"))
					} else {
						s.say(path, text)
					}
				}
				linked = s.link()
			}
			if diff := cmp.Diff(c.want, unreadOf(linked.world.Policies)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again := s.link()
			if !again.world.Policies.Equal(linked.world.Policies) {
				t.Error("looking again makes other policies of the same files")
			}
			for _, p := range linked.world.Policies {
				if p.Unread != nil && (p.Unread.Message == "" || p.Unread.Origin.Line < 1) {
					t.Errorf("what is wrong is not said: %+v", p.Unread)
				}
			}
		})
	}
}

// TestUnreadOfARepository: a commit that does not count, and holds more policies than the
// one that does.
func TestUnreadOfARepository(t *testing.T) {
	t.Parallel()
	tree := func(commit string, texts ...string) *Tree {
		made := &Tree{Commit: commit, Terms: "t"}
		for i, text := range texts {
			made.Leaves = append(made.Leaves, Leaf{Path: string(rune('a'+i)) + ".yaml", Text: []byte(text)})
		}
		return made
	}
	more := strings.ReplaceAll(goodPolicy, "house", "more")
	linkFails := tree("2", goodPolicy)
	linkFails.Problems = []v1.Problem{{Reason: v1.InvalidManifest, Origin: v1.Origin{File: "z.yaml", Line: 1, Column: 1, Commit: "2"}, Message: "a symbolic link"}}
	for name, c := range map[string]struct {
		trees []*Tree
		want  string
	}{
		"good":                          {[]*Tree{tree("1", goodPolicy)}, "house"},
		"never good":                    {[]*Tree{tree("1", service("web", "/"), badPolicy)}, "unread b.yaml"},
		"never good, and nothing of it": {[]*Tree{tree("1", badService, service("api", "/"))}, ""},
		"was good":                      {[]*Tree{tree("1", goodPolicy), tree("2", badPolicy)}, "house"},
		"one more, in a wrong commit":   {[]*Tree{tree("1", goodPolicy), tree("2", goodPolicy, more, badService)}, "unread c.yaml, house"},
		"one more that is wrong":        {[]*Tree{tree("1", goodPolicy), tree("2", goodPolicy, badPolicy, badService)}, "unread b.yaml, house"},
		"corrected":                     {[]*Tree{tree("1", goodPolicy), tree("2", goodPolicy, badPolicy), tree("3", goodPolicy, more)}, "house, more"},
		"a file that can't be read":     {[]*Tree{tree("1", goodPolicy), linkFails}, "unread z.yaml, house"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(map[string][]byte{}, nil)
			var linked together
			for _, next := range c.trees {
				s.plant(next)
				linked = s.link()
			}
			want, got := strings.Split(c.want, ", "), strings.Split(unreadOf(linked.world.Policies), ", ")
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
