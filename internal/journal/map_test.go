package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestChangesMakeTheSame: whatever is done to a map, its changes make the same of a copy.
func TestChangesMakeTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5)) //nolint:gosec // a walk, not secrets
	var m, follower Map[int]
	for step := range 500 {
		before := maps.Clone(m.entries)
		for range random.IntN(5) {
			key := fmt.Sprint(random.IntN(10))
			if random.IntN(2) == 0 {
				m.Set(key, random.IntN(3))
			} else {
				m.Delete(key)
			}
		}
		if !m.Changed() && !maps.Equal(before, m.entries) {
			t.Fatalf("step %d: it says that nothing changed between %v and %v", step, before, m.entries)
		}
		text, err := json.Marshal(m.Changes())
		if err != nil {
			t.Fatal(err)
		}
		var changes map[string]*int
		if err := json.Unmarshal(text, &changes); err != nil {
			t.Fatal(err)
		}
		follower.Apply(changes)
		m.Saved()
		if m.Changed() || follower.Changed() || !maps.Equal(m.entries, follower.entries) {
			t.Fatalf("step %d: %s made %v, want %v", step, text, follower.entries, m.entries)
		}
	}
}

func TestCopyIsNoChange(t *testing.T) {
	m := MapOf(map[string]int{"a": 1})
	if m.Changed() || m.Len() != 1 {
		t.Errorf("of %v something has changed", m)
	}
	m.Set("b", 2)
	copied := m.Clone()
	m.Delete("a")
	if copied.Changed() || copied.Get("a") != 1 || copied.Get("b") != 2 || copied.Len() != 2 {
		t.Errorf("the copy is %v", copied)
	}
}

func TestValueNotesWhatDiffers(t *testing.T) {
	var v, follower Value[string]
	for _, c := range []struct {
		set     string
		changed bool
	}{{"", false}, {"a", true}, {"a", false}, {"", true}} {
		v.Set(c.set)
		if v.Changed() != c.changed || (v.Change() != nil) != c.changed {
			t.Errorf("set to %q, it says that it changed: %v", c.set, v.Changed())
		}
		follower.Apply(v.Change())
		v.Saved()
		if copied := v.Clone(); v.Changed() || follower.Changed() || copied.Changed() || follower.Get() != c.set || copied.Get() != c.set {
			t.Errorf("set to %q, it is %+v, its copy %+v and its follower %+v", c.set, v, copied, follower)
		}
	}
}
