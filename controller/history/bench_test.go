package history

import (
	"fmt"
	"testing"
)

// BenchmarkStore is what history costs beside 10,000 services: the first generation,
// one more that changes one of them, a start on the file, and going back to the first.
func BenchmarkStore(b *testing.B) {
	all := map[string]*State{}
	for i := range 10_000 {
		name := fmt.Sprintf("shop.web%05d", i)
		all[name] = shop(name, name+".test")
	}
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			fresh, err := Open(b.TempDir())
			if err == nil {
				_, _, err = fresh.Append(noon, all, true)
			}
			if err != nil {
				b.Fatal(err)
			}
			if err := fresh.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	if _, _, err := s.Append(noon, all, true); err != nil {
		b.Fatal(err)
	}
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			if g, _, err := s.Append(noon, all, true); err != nil || g.Number != 0 {
				b.Fatal(g.Number, err)
			}
		}
	})
	i := 0
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			i++
			if _, _, err := s.Append(noon, map[string]*State{"shop.web00007": shop("shop.web00007", fmt.Sprint(i, ".test"))}, false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("inspect", func(b *testing.B) {
		for b.Loop() {
			if err := s.db.View(s.inspect); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("back", func(b *testing.B) {
		for b.Loop() {
			list, err := s.List("", 1000)
			if err == nil {
				_, err = s.At(list[len(list)-1].Number)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
