package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// grown returns the text of a file with buckets of many pages, some of them free.
func grown(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 60 {
		states := map[string]*State{}
		for n := range 20 {
			name := fmt.Sprintf("shop-%d-%d", i%5, n)
			states[name] = shop(name, fmt.Sprint(i, ".test"))
		}
		appended(t, s, states, false)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestDamagedPages: whatever a page says of itself, the check ends by itself, and
// page numbers that lead out of the file or in a circle are found.
func TestDamagedPages(t *testing.T) {
	good := grown(t)
	if err := checkPages(good); err != nil {
		t.Fatal(err)
	}
	w, err := newestWalk(good)
	if err != nil {
		t.Fatal(err)
	}
	root := binary.NativeEndian.Uint64(w.meta[16:])
	text := bytes.Clone(good)
	word := func(at int) []byte { return text[at : at+8] }
	if err := w.bucket(root); err != nil {
		t.Fatal(err)
	}
	branches := 0
	for id := uint64(2); id < w.pages; id++ {
		page := int(id * w.size)
		if binary.NativeEndian.Uint16(text[page+8:]) != flagBranch {
			continue
		}
		if !w.seen[id] {
			continue // what a free page says is nothing
		}
		branches++
		for _, to := range []uint64{id, root, w.pages, 1 << 40, 0} {
			child := word(page + pageHead + 8)
			before := binary.NativeEndian.Uint64(child)
			binary.NativeEndian.PutUint64(child, to)
			if checkPages(text) == nil {
				t.Errorf("page %d leads to page %d, and nobody says so", id, to)
			}
			binary.NativeEndian.PutUint64(child, before)
		}
	}
	if branches == 0 {
		t.Fatal("the file has no branch: nothing was tried")
	}
	found := 0
	for id := range w.pages {
		for n := range 6 { // where a page says what it is and where its first elements lead
			at := int(id*w.size) + 8*n
			before := binary.NativeEndian.Uint64(word(at))
			for _, other := range []uint64{0, ^uint64(0), 0xFFFF_FFFF, before + 1, before << 8} {
				binary.NativeEndian.PutUint64(word(at), other)
				if checkPages(text) != nil {
					found++
				}
			}
			binary.NativeEndian.PutUint64(word(at), before)
		}
	}
	if found == 0 {
		t.Error("no damage at all was found")
	}
	for _, length := range []int{0, 1, 100, int(w.size), 2 * int(w.size), int((w.pages - 1) * w.size)} {
		if checkPages(good[:length]) == nil {
			t.Errorf("the first %d bytes of %d are taken for the whole", length, len(good))
		}
	}
}
