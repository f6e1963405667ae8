package manifests

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// reading is one file as it was read, before the shelf takes it in. What a file says depends
// on no other, so many are read side by side.
type reading struct {
	path     string
	seen     stamp        // of the file, when it was looked at
	text     []byte       // never nil where it could be read
	err      error        // why it could not
	known    bool         // it says what it said before, and was not understood anew
	moved    bool         // it was written meanwhile
	file     *File        // what it says
	problems []v1.Problem // why nothing of it counts
}

// readAll reads files that were seen. It changes nothing of the shelf.
func (s *shelf) readAll(files []reading) {
	each(len(files), func(i int) {
		r := &files[i]
		text, err := readBounded(r.path, 2*MaxBytes)
		if r.err = err; err == nil {
			r.say(s.files[r.path], text)
		}
		r.moved = stampAt(r.path) != r.seen
	})
}

// say takes in what the file says, beside what was known of it; nil: nothing.
func (r *reading) say(before *known, text []byte) {
	r.text = append([]byte{}, text...) // to its length alone
	if r.known = before != nil && before.text != nil && bytes.Equal(before.text, text); !r.known {
		file, problems := declare(v1.Origin{File: r.path}, r.text)
		r.file, r.problems = &file, problems
	}
}

// each calls do with every number below n, on all processors that there are for us, and
// returns when all calls have.
func each(n int, do func(i int)) {
	var taken atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}
