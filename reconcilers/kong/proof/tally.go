package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Tally is a digest of a set of objects, whatever their order: objects are added to it and
// taken out again one by one, so that a change costs nothing of the rest. The zero value is
// that of none.
type Tally [2]uint64

// Add adds an object that is not in it.
func (t *Tally) Add(o *plan.Object) {
	a, b := digest(o)
	t[0], t[1] = t[0]+a, t[1]+b
}

// Remove takes an object out, as it was added.
func (t *Tally) Remove(o *plan.Object) {
	a, b := digest(o)
	t[0], t[1] = t[0]-a, t[1]-b
}

// Token is the digest as text: 32 hexadecimal digits.
func (t Tally) Token() string { return fmt.Sprintf("%016x%016x", t[0], t[1]) }

// digest is that of one object: of its key, and of all that is compared of it.
func digest(o *plan.Object) (uint64, uint64) {
	sum := sha256.New()
	write := func(text string) { _, _ = io.WriteString(sum, text+"\x00") } // a hash takes everything
	write(string(o.Key.Kind))
	write(o.Key.Name)
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		write(name)
		write(o.Fields[name])
	}
	text := sum.Sum(nil)
	return binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[8:])
}
