package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestCutAnywhere: a log that ends at any byte says what its whole lines say, and what comes
// next follows them.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	var after []map[string]string // by the number of changes
	for i := range 3 {
		k.must(fmt.Sprintf("k%d", i%2), strings.Repeat("v", i))
		after = append(after, maps.Clone(k.now.entries))
	}
	snapshot, log := text(t, k.path), text(t, LogPath(k.path))
	head := bytes.IndexByte(log, '\n') + 1
	for cut := range len(log) + 1 {
		path := place(t)
		write(t, path, snapshot)
		write(t, LogPath(path), log[:cut])
		if cut < head {
			if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "line 1") {
				t.Fatalf("cut at %d of %d: %v", cut, len(log), err)
			}
			continue
		}
		want := maps.Clone(after[bytes.Count(log[:cut], []byte{'\n'})-1])
		next := start(t, path)
		next.holds(want)
		next.must("new", "1")
		want["new"] = "1"
		next.again().holds(want)
	}
}

// TestZeroedEnd: where a machine stopped, a file may be longer than what was written.
func TestZeroedEnd(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	k.must("a", "1")
	k.must("a", "2")
	for _, end := range []string{"\x00\x00\x00", "12345678 change {\"a\":\x00\x00\x00}\n"} {
		write(t, LogPath(k.path), append(text(t, LogPath(k.path)), end...))
		k = k.again()
		k.holds(map[string]string{"a": "2"})
		k.must("b", "3")
		k.now.Delete("b")
		if err := k.save(); err != nil {
			t.Fatal(err)
		}
		k.holds(map[string]string{"a": "2"})
	}
}

// TestDamage: a line that was changed anywhere is an error that names it, unless it is the
// last one, which may never have been finished.
func TestDamage(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	for i := range 4 {
		k.must("a", fmt.Sprint(i))
	}
	log := text(t, LogPath(k.path))
	lines := bytes.SplitAfter(log, []byte{'\n'})
	for i := range log {
		damaged := slices.Clone(log)
		damaged[i] ^= 0x10
		write(t, LogPath(k.path), damaged)
		line := bytes.Count(log[:i], []byte{'\n'}) + 1
		switch line {
		case len(lines) - 1:
			k.holds(map[string]string{"a": "2"})
			continue
		case len(lines) - 2:
			if log[i] == '\n' { // the two become the last one
				k.holds(map[string]string{"a": "1"})
				continue
			}
		}
		_, err := Read(k.path)
		if want := fmt.Sprintf("%s: line %d is damaged; restore it together with %s", LogPath(k.path), line, k.path); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("byte %d of line %d: %v", i, line, err)
		}
		if _, _, again := Open(k.path); again == nil || again.Error() != err.Error() {
			t.Fatalf("to write it, it opens with %v", again)
		}
	}
	for name, c := range map[string]struct {
		log  []byte
		want string
	}{
		"no first line": {slices.Concat(lines[1], lines[2]), `line 1, "change", is out of place`},
		"two of them":   {slices.Concat(lines[0], lines[0], lines[1]), `line 2, "follows", is out of place`},
		"of a newer program": {slices.Concat(lines[0], lineOf("merge", []byte("x")), lines[1]),
			`line 2 says "merge", which this program does not know`},
		"empty": {nil, "line 1 is missing"},
	} {
		write(t, LogPath(k.path), c.log)
		if _, err := Read(k.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNotOfOnePiece: one file that was restored, changed or removed without the other is an
// error, and what it says to do helps.
func TestNotOfOnePiece(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meddle func(path string) error
		remedy string
	}{
		"an older snapshot": {func(path string) error { return os.WriteFile(path, []byte(`{"old":"1"}`), 0o600) }, "or remove both"},
		"no snapshot":       {os.Remove, "or remove LOG to"},
		"no log":            {func(path string) error { return os.Remove(LogPath(path)) }, "or remove SNAPSHOT to"},
	} {
		for _, changes := range []int{0, 20} { // the second makes snapshots on the way
			k := start(t, place(t))
			k.must("a", "1")
			for i := range changes {
				k.must("a", strings.Repeat(fmt.Sprint(i%10), 10_000))
			}
			k.must("a", "2")
			if err := c.meddle(k.path); err != nil {
				t.Fatal(err)
			}
			remedy := strings.NewReplacer("LOG", LogPath(k.path), "SNAPSHOT", k.path).Replace(c.remedy)
			if _, err := Read(k.path); err == nil || !strings.Contains(err.Error(), remedy) {
				t.Errorf("%s: %v, which does not say %s", name, err, remedy)
			}
			for _, path := range []string{k.path, LogPath(k.path)} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			next := k.again()
			next.must("b", "2")
			if got := next.again().now.Get("a"); got != "" {
				t.Errorf("%s: begun anew it still says %s", name, got)
			}
		}
	}
}

// TestReadWhileWritten: whoever reads while another writes sees a state that was whole, and
// never an older one after a newer one.
func TestReadWhileWritten(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	k.must("a", "0000")
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		last, reads := "", 0
		for {
			state, err := Read(k.path)
			if err != nil {
				ended <- err
				return
			}
			m := decode(t, state)
			if a, b := m.Get("a"), m.Get("b"); a < last || b != "" && b != a {
				ended <- fmt.Errorf("after %s, a is %s and b is something else", last, a)
				return
			}
			last, reads = m.Get("a"), reads+1
			select {
			case <-stop:
				if reads < 2 {
					err = fmt.Errorf("only %d reads", reads)
				}
				ended <- err
				return
			default:
			}
		}
	}()
	for i := range 100 {
		k.now.Set("b", fmt.Sprintf("%04d", i))
		k.must("a", fmt.Sprintf("%04d", i))
		if i%3 == 0 { // which comes far more often than the size of the log would have it
			whole, err := k.whole()
			if err == nil {
				err = k.journal.Replace(whole)
			}
			if err != nil {
				t.Error(err)
				break
			}
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func text(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
