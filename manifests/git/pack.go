package git

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// The bounds of what is fetched.
const (
	maxPack   = 256 << 20 // bytes on the wire
	maxObject = 128 << 20 // bytes of one file, whether it is a manifest or not
	maxMade   = 16 << 30  // bytes of all of them: more than can be unfolded while a look lasts
	packFile  = "fetched" // where it stands until it was looked at
)

// store puts a pack into objects, by way of a file in dir. The library holds each
// object in memory as a whole, and a few bytes may unfold to any number of them; whoever
// can push may be nobody whose commits are taken. So they are counted first.
func store(pack io.Reader, dir string, into storer.Storer) (err error) {
	file, err := os.Create(filepath.Join(dir, packFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if _, err := io.Copy(file, &bounded{from: pack, left: maxPack}); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := measure(file); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return packfile.UpdateObjectStorage(into, file)
}

// measure refuses a pack with an object that is too large, or with too many of large ones: a
// few bytes may be a change that makes the whole of one.
func measure(pack io.Reader) error {
	scanner := packfile.NewScanner(pack)
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	left := int64(maxMade)
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if header.Length > maxObject {
			return tooLarge(header.Length)
		}
		var said beginning
		if _, _, err := scanner.NextObject(&said); err != nil { // also one that is longer than it says
			return err
		}
		if left -= header.Length; left < 0 {
			return tooMuch()
		}
		if header.Type != plumbing.OFSDeltaObject && header.Type != plumbing.REFDeltaObject {
			continue
		}
		_, n := binary.Uvarint(said) // of what it is a change, and then of what it makes
		if n <= 0 {
			return errors.New("the pack holds a change that can't be read")
		}
		made, n := binary.Uvarint(said[n:])
		if n <= 0 || made > maxObject {
			return tooLarge(int64(min(made, 1<<62))) //nolint:gosec // it fits
		}
		if left -= int64(made); left < 0 { //nolint:gosec // it is no more than maxObject
			return tooMuch()
		}
	}
	return nil
}

func tooMuch() error {
	return unfit("keep manifests in a repository of their own", "what it holds makes more than %d GiB", maxMade>>30)
}

func tooLarge(size int64) error {
	return unfit("keep manifests in a repository of their own", "it holds a file of %d MiB, the most is %d", size>>20, maxObject>>20)
}

// beginning keeps the first bytes of what is written to it.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	if room := 2*binary.MaxVarintLen64 - len(*b); room > 0 {
		*b = append(*b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// bounded is a reader that fails where io.LimitReader would end.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, unfit("keep manifests in a repository of their own", "it has more than %d MiB", maxPack>>20)
	}
	return n, err
}
