package git

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// allocated is how many MiB were ever taken.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc >> 20
}

// TestFilesThatFillTheMemory: a file of which little is fetched, and much would be held,
// is refused before it is read; the commit is fetched once, and the one before stays.
func TestFilesThatFillTheMemory(t *testing.T) {
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	first := c.commit()
	w := serveWeb(t, c)
	near := follow(t, Options{URL: c.dir})
	far := follow(t, Options{URL: w.URL + "/.git", Password: file(t, "password", password), Authority: authority(t, w)})
	near.has("a: /1 " + short(first))
	far.has("a: /1 " + short(first))

	c.write("huge.yaml", "")
	if err := os.Truncate(filepath.Join(c.dir, "huge.yaml"), maxObject+1<<20); err != nil {
		t.Fatal(err)
	}
	c.commit()
	before := allocated()
	near.complains("huge.yaml, commit " + short(c.git("rev-parse", "HEAD")) + ": InvalidManifest: the file has 135266304 bytes")
	near.has("a: /1 " + short(first))
	far.complains("the commit is not taken: it holds a file of 129 MiB, the most is 128")
	far.has("a: /1 " + short(first))
	if took := allocated() - before; took > maxObject>>21 {
		t.Errorf("%d MiB were held for a file that is not taken", took)
	}
	packs := w.packs.Load()
	asked := far.repository.State().Asked
	far.until("asked again", func() bool { return far.repository.State().Asked.After(asked) })
	if w.packs.Load() != packs {
		t.Error("what is too large is fetched again")
	}
}

// packOf is a pack of objects, each as it stands there: its type and size, what comes
// before its content, and that.
func packOf(t *testing.T, objects ...packed) []byte {
	t.Helper()
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects))) //nolint:gosec // a handful
	for _, o := range objects {
		size := o.size
		head := byte(o.kind)<<4 | byte(size&15)
		for size >>= 4; size > 0; size >>= 7 {
			out = append(out, head|0x80)
			head = byte(size & 0x7f)
		}
		out = append(append(out, head), o.before...)
		var content bytes.Buffer
		z := zlib.NewWriter(&content)
		if _, err := z.Write(o.content); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, content.Bytes()...)
	}
	return append(out, make([]byte, 20)...)
}

type packed struct {
	kind    plumbing.ObjectType
	size    uint64
	before  []byte
	content []byte
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	text := []byte("hello")
	base := packed{plumbing.BlobObject, 5, nil, text}
	change := func(of, makes uint64) packed {
		content := binary.AppendUvarint(binary.AppendUvarint(nil, of), makes)
		content = append(content, 0x90, 5) // copy it
		return packed{plumbing.REFDeltaObject, uint64(len(content)), make([]byte, 20), content}
	}
	many := []packed{base}
	for range maxMade/maxObject + 1 {
		many = append(many, change(5, maxObject))
	}
	for name, c := range map[string]struct {
		pack []byte
		want string // "" means that it is taken
	}{
		"many":                    {packOf(t, many...), "makes more than 16 GiB"},
		"many, but not too many":  {packOf(t, many[:len(many)-2]...), ""},
		"small":                   {packOf(t, base, change(5, 5)), ""},
		"large":                   {packOf(t, packed{plumbing.BlobObject, maxObject + 1, nil, text}), "the most is 128"},
		"a change to what is":     {packOf(t, base, change(5, maxObject+1)), "the most is 128"},
		"a change beyond numbers": {packOf(t, base, change(5, 1<<63)), "the most is 128"},
		"a change of nothing":     {packOf(t, base, packed{plumbing.REFDeltaObject, 0, make([]byte, 20), nil}), "can't be read"},
		"longer than it says":     {packOf(t, packed{plumbing.BlobObject, 5, nil, make([]byte, 1<<20)}), "exceeds declared size"},
		"cut":                     {packOf(t, base, base)[:16], "EOF"},
		"no pack":                 {[]byte("hello, world"), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := measure(bytes.NewReader(c.pack))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
