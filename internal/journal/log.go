package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// A line of a log is a checksum, a word and what the word is of:
//
//	9ae0daaf follows SUM    the first line: this log goes with the snapshot of that sum
//	1c291ca3 change BYTES   one change
//	b8c2a01e precedes SUM   a snapshot was made of the state up to here; it has that sum
//
// The sums bind a log to its snapshot: one that was copied back alone from a backup is
// noticed. A log whose last line names the snapshot beside it is spent.
const (
	wordFollows  = "follows"
	wordChange   = "change"
	wordPrecedes = "precedes"
)

// A snapshot beside which a log stands ends with a line, which means nothing to who reads
// it as JSON. One that ends otherwise was written by a program that kept no log.

func hasLog(snapshot []byte) bool { return bytes.HasSuffix(snapshot, []byte{'\n'}) }

func withLog(snapshot []byte) []byte {
	return append(slices.Clip(bytes.TrimRight(snapshot, "\n")), '\n')
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf names a snapshot by what it says.
func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// lineOf returns a whole line.
func lineOf(word string, rest []byte) []byte {
	said := make([]byte, 0, len(word)+1+len(rest))
	said = append(append(append(said, word...), ' '), rest...)
	return fmt.Appendf(make([]byte, 0, len(said)+10), "%08x %s\n", crc32.Checksum(said, castagnoli), said)
}

// contents is what a log says.
type contents struct {
	follows  string   // the sum of the snapshot that it goes with
	changes  [][]byte // in order
	precedes string   // the sum of the snapshot that its last line names; "" when it names none
	good     int64    // bytes up to the end of the last whole line
	torn     bool     // more follows, which was never finished
}

// parse takes a log apart. A last line that is not whole was being written when the
// machine or the program stopped, and nobody was told that it stands; a damaged one before
// it is an error, as is a first one, which is never written alone.
func parse(text []byte) (contents, error) {
	var c contents
	for number := 1; len(text) > 0; number++ {
		line, rest, ended := bytes.Cut(text, []byte{'\n'})
		word, said, sound := read(line)
		if sound = sound && ended; !sound && len(rest) == 0 && number > 1 {
			c.torn = true
			return c, nil
		}
		switch {
		case !sound:
			return c, fmt.Errorf("line %d is damaged", number)
		case (number == 1) != (word == wordFollows):
			return c, fmt.Errorf("line %d, %q, is out of place", number, word)
		}
		c.precedes = ""
		switch word {
		case wordFollows:
			c.follows = string(said)
		case wordChange:
			c.changes = append(c.changes, said)
		case wordPrecedes:
			c.precedes = string(said)
		default:
			return c, fmt.Errorf("line %d says %q, which this program does not know", number, word)
		}
		c.good += int64(len(line)) + 1
		text = rest
	}
	if c.follows == "" {
		return c, errors.New("line 1 is missing")
	}
	return c, nil
}

// read takes a line apart, without its end, and reports whether it is as it was written.
func read(line []byte) (word string, said []byte, sound bool) {
	sum, rest, cut := bytes.Cut(line, []byte{' '})
	if !cut || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(rest, castagnoli)) {
		return "", nil, false
	}
	before, said, cut := bytes.Cut(rest, []byte{' '})
	return string(before), said, cut
}
