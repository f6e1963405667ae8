package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestWrittenAsAPlainMap(t *testing.T) {
	type holder struct {
		Kept Map[int] `json:"kept"`
		Left Map[int] `json:"left,omitzero"`
	}
	for text, want := range map[string]map[string]int{
		`{"kept":{"a":1,"b":0}}`: {"a": 1, "b": 0},
		`{"kept":{}}`:            {},
		`{"kept":null}`:          nil,
	} {
		var h holder
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, h.Kept.entries); diff != "" || h.Kept.Changed() || !h.Left.IsZero() {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		again, err := json.Marshal(h)
		if want := map[bool]string{true: `{"kept":{}}`, false: text}[want == nil]; err != nil || string(again) != want {
			t.Errorf("%s became %s, %v", text, again, err)
		}
		h.Left.Set("c", 1)
		if copied := h.Left.Clone(); copied.Changed() || copied.Get("c") != 1 || copied.Len() != 1 {
			t.Errorf("the copy is %+v", copied)
		}
	}
}
