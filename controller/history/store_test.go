package history

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// noon is when every test happens.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shop returns a state whose route has a host.
func shop(name, host string) *State {
	s := v1.NewService(name)
	s.Origin = v1.Origin{Container: name + "-1"}
	s.Routes = []v1.Route{{Name: name + ".default", Hosts: []string{host}, PreserveHost: true, Origin: v1.Origin{Container: name + "-1", Label: "lockstep.hosts"}}}
	return &State{Settings: &s}
}

func appended(t *testing.T, s *Store, states map[string]*State, whole bool) Generation {
	t.Helper()
	g, made, err := s.Append(noon, states, whole)
	if err != nil {
		t.Fatal(err)
	}
	if made != (len(g.Changes) > 0) {
		t.Errorf("made is %v of %+v", made, g)
	}
	return g
}

func TestGenerations(t *testing.T) {
	s := open(t, t.TempDir())
	first := appended(t, s, map[string]*State{"web": shop("web", "a.test"), "api": shop("api", "api.test")}, true)
	if first.Number != 1 || len(first.Changes) != 2 || first.Changes[0].Service != "api" || first.Changes[0].Operation != Added {
		t.Errorf("first: %+v", first)
	}
	moved := shop("web", "a.test") // another container, the same labels
	moved.Settings.Origin.Container, moved.Settings.Routes[0].Origin.Container = "web-2", "web-2"
	if g := appended(t, s, map[string]*State{"web": moved}, false); g.Number != 0 {
		t.Errorf("a container that replaces another made %+v", g)
	}
	second := appended(t, s, map[string]*State{"web": shop("web", "b.test")}, false)
	want := Generation{Number: 2, Time: noon, Changes: []Change{{
		Service: "web", Operation: Changed, Origin: v1.Origin{Container: "web-1"},
		Fields: []v1.Difference{{Field: "routes.default.hosts", Before: "a.test", After: "b.test", Origin: v1.Origin{Container: "web-1", Label: "lockstep.hosts"}}},
	}}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	guarded := shop("web", "b.test")
	guarded.Settings.Plugins = []v1.Plugin{{Name: "key-auth", Enabled: true, Origin: v1.Origin{File: "auth.yaml", Line: 3, Column: 18}}}
	if c, _ := change("web", shop("web", "b.test"), guarded); c.Origin.File != "auth.yaml" {
		t.Errorf("a plugin of a manifest of its own: %+v", c)
	}
	retries := 9
	guarded.Settings.Retries = &retries
	if c, _ := change("web", shop("web", "b.test"), guarded); c.Origin.Container != "web-1" {
		t.Errorf("a plugin of a manifest and a label: %+v", c)
	}
	pinned := shop("web", "a.test")
	pinned.Pin, pinned.By = 1, "alice"
	third := appended(t, s, map[string]*State{"web": pinned}, false)
	if c := third.Changes[0]; c.RolledBackTo != 1 || c.By != "alice" || c.Released {
		t.Errorf("rolled back: %+v", c)
	}
	released := shop("web", "b.test")
	released.By = "bob"
	fourth := appended(t, s, map[string]*State{"web": released}, false)
	if c := fourth.Changes[0]; !c.Released || c.By != "bob" || c.RolledBackTo != 0 {
		t.Errorf("released: %+v", c)
	}
	fifth := appended(t, s, map[string]*State{"api": shop("api", "api.test")}, true) // web is not among the whole
	if c := fifth.Changes[0]; len(fifth.Changes) != 1 || c.Service != "web" || c.Operation != Removed || c.Origin.Container != "web-1" {
		t.Errorf("removed: %+v", fifth)
	}

	newest, err := s.List("web", 3)
	if err != nil || len(newest) != 3 || newest[0].Number != 5 || newest[2].Number != 3 {
		t.Errorf("listed %+v, %v", newest, err)
	}
	if all, err := s.List("api", 10); err != nil || len(all) != 1 || len(all[0].Changes) != 1 {
		t.Errorf("of api %+v, %v", all, err)
	}
	got, err := s.Get(2)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, number := range []uint64{0, 6} {
		if _, err := s.Get(number); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "those from 1 to 5 are kept") {
			t.Errorf("generation %d: %v", number, err)
		}
		if _, err := s.At(number); !errors.Is(err, ErrUnknown) {
			t.Errorf("at generation %d: %v", number, err)
		}
	}
}

// TestUndoingLeadsBack: whatever changes, in whatever steps and over restarts, what was
// declared at each generation that is kept comes back as it was; and no more is kept
// than the bounds allow.
func TestUndoingLeadsBack(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		s := open(t, dir)
		s.generations = 5 + random.IntN(40)
		if seed%2 == 1 {
			s.bytes = 4000 + random.IntN(20000)
		}
		now, then := map[string]*State{}, map[uint64]map[string]*State{}
		for range 120 {
			states, whole := map[string]*State{}, random.IntN(6) == 0
			for i := range 6 {
				name := fmt.Sprint("s", i)
				switch random.IntN(5) {
				case 0:
					states[name] = nil
				case 1, 2:
					states[name] = shop(name, fmt.Sprintf("%d.test", random.IntN(4)))
					states[name].Pin = uint64(random.IntN(2))
				}
			}
			if whole {
				now = map[string]*State{}
			}
			maps.Copy(now, states)
			maps.DeleteFunc(now, func(_ string, state *State) bool { return state == nil })
			if g := appended(t, s, states, whole); g.Number > 0 {
				then[g.Number] = maps.Clone(now)
			}
			if random.IntN(20) == 0 {
				bounds, used := [2]int{s.generations, s.bytes}, s.used
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, dir)
				if s.generations, s.bytes = bounds[0], bounds[1]; s.used != used {
					t.Errorf("%d bytes are counted after a restart, %d before", s.used, used)
				}
			}
		}
		kept, err := s.List("", 1000)
		if err != nil || len(kept) > s.generations || s.used > s.bytes && len(kept) > 1 {
			t.Fatalf("seed %d: %d generations in %d bytes are kept, of %d in %d: %v", seed, len(kept), s.used, s.generations, s.bytes, err)
		}
		for _, g := range kept {
			got, err := s.At(g.Number)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]*v1.Service{}
			for name, state := range then[g.Number] {
				want[name] = state.Settings
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, generation %d (-want +got):\n%s", seed, g.Number, diff)
			}
		}
		if g := appended(t, s, now, true); g.Number != 0 {
			t.Errorf("seed %d: the same again made %+v", seed, g)
		}
	}
}

// TestSecretsStayAway: what is marked as a secret reaches neither the file nor what is
// printed, and another one makes no generation.
func TestSecretsStayAway(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	with := func(value string) *State {
		state := shop("web", "a.test")
		plugins := []v1.Plugin{{Name: "ldap-auth", Enabled: true, Settings: []v1.Setting{
			{Path: "password", Value: value, Secret: true}, {Path: "host", Value: "ldap.test"},
		}}}
		state.Settings.Plugins, state.Settings.Routes[0].Plugins = plugins, plugins
		return state
	}
	given := with("hunter2-planted")
	appended(t, s, map[string]*State{"web": given}, true)
	if g := appended(t, s, map[string]*State{"web": with("hunter3-planted")}, false); g.Number != 0 {
		t.Errorf("another secret made %+v", g)
	}
	appended(t, s, map[string]*State{"web": nil}, false)
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil || bytes.Contains(text, []byte("planted")) {
		t.Errorf("the secret is in the file (%v)", err)
	}
	if got := given.Settings.Plugins[0].Settings[0].Value; got != "hunter2-planted" {
		t.Errorf("what was given is changed to %q", got)
	}
	kept, err := s.At(1)
	if err != nil || !kept["web"].Plugins[0].Settings[0].Secret || kept["web"].Plugins[0].Settings[1].Value != "ldap.test" {
		t.Errorf("kept %+v, %v", kept["web"], err)
	}
	list, err := s.List("", 9)
	if shown := fmt.Sprint(list); err != nil || strings.Contains(shown, "ldap.test") || !strings.Contains(shown, "plugins.ldap-auth") {
		t.Errorf("shown is %s, %v; want the plugin without its values", shown, err)
	}
}

// TestOpenSaysWhatIsWrong: a file that can't be used is an error with a remedy, for
// the daemon to go on without.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is open in another program") {
		t.Errorf("opened twice: %v", err)
	}
	for i := range 40 {
		appended(t, s, map[string]*State{"web": shop("web", fmt.Sprint(i, ".test"))}, false)
	}
	info, err := os.Stat(filepath.Join(dir, file))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want a file for its owner alone", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, text []byte) error {
		t.Helper()
		other := t.TempDir()
		if err := os.WriteFile(filepath.Join(other, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(other)
		if err == nil {
			_, _, err := s.Append(noon, map[string]*State{"web": shop("web", "new.test")}, false)
			t.Logf("%s: opens, and then %v", what, err)
			return errors.Join(err, s.Close())
		}
		if !strings.Contains(err.Error(), "remove the file to begin a new history") {
			t.Errorf("%s: %v", what, err)
		}
		return err
	}
	for what, text := range map[string][]byte{"nonsense": []byte("nonsense"), "half": good[:len(good)/2], "pages of zero": make([]byte, len(good))} {
		if damaged(what, text) == nil {
			t.Errorf("%s is taken for a history", what)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 60 { // it may well be used where the damage hits what is unused; it never ends the program
		text := bytes.Clone(good)
		at := random.IntN(len(text) / 512)
		for j := range 64 {
			text[at*512+j] = byte(random.Uint32())
		}
		damaged(fmt.Sprint("damage ", i), text) //nolint:errcheck // whether it is noticed depends on where it hits
	}
}

// TestOtherVersions: the file of another version is left alone.
func TestOtherVersions(t *testing.T) {
	dir := t.TempDir()
	before := version
	t.Cleanup(func() { version = before })
	version = []byte("2")
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	version = before
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), `version "2"`) {
		t.Errorf("got %v", err)
	}
}

// TestLongTextsAreCut: what strangers write can't make a generation endless.
func TestLongTextsAreCut(t *testing.T) {
	s := open(t, t.TempDir())
	g := appended(t, s, map[string]*State{"web": shop("web", strings.Repeat("a", 9000))}, true)
	if got := g.Changes[0].Fields[0].After; len(got) > 1100 || !strings.HasSuffix(got, "(9000 bytes)") {
		t.Errorf("%d bytes are shown", len(got))
	}
	if then, err := s.At(1); err != nil || len(then["web"].Routes[0].Hosts[0]) != 9000 {
		t.Errorf("it is not kept whole: %v", err)
	}
}

// TestDiskIsNoDamage: who has no room is not told to remove what was kept.
func TestDiskIsNoDamage(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "missing"))
	if err == nil || strings.Contains(err.Error(), "remove") {
		t.Errorf("the error is %v", err)
	}
}
