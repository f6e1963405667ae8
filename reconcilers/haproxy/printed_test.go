package haproxy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// print looks at HAProxy and renders the bench's set.
func (b *bench) print() []reconcilers.File {
	b.t.Helper()
	if _, err := b.r.Observe(b.t.Context(), reconcilers.Scope{}); err != nil {
		b.t.Fatal(err)
	}
	files, problems, err := b.r.Render(b.set, b.shared)
	if err != nil || len(problems) > 0 {
		b.t.Fatal(err, problems)
	}
	return files
}

// TestPrintedBeforeAnythingRuns: what is printed where nothing was ever made is what HAProxy
// accepts in another place; nothing is started or touched by it.
func TestPrintedBeforeAnythingRuns(t *testing.T) {
	b := managed(t)
	b.serve("shop", endpoint(t, "one", "127.0.0.1:1"))
	b.serve("slow", endpoint(t, "two", "127.0.0.1:2")).Balance = "leastconn"
	files := b.print()
	if _, err := os.Stat(b.options.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory was touched: %v", err)
	}
	if alive, err := b.r.process.Find(t.Context()); alive || err != nil {
		t.Errorf("HAProxy was started: %v", err)
	}
	elsewhere := t.TempDir()
	var moves []string
	for _, file := range files {
		moves = append(moves, file.Path, filepath.Join(elsewhere, file.Name))
	}
	said := ""
	for _, file := range files {
		said += file.Text
		if err := os.WriteFile(filepath.Join(elsewhere, file.Name), []byte(strings.NewReplacer(moves...).Replace(file.Text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, word := range []string{"127.0.0.1:1", "balance leastconn", "shop.test"} {
		if !strings.Contains(said, word) {
			t.Errorf("%q is not printed:\n%s", word, said)
		}
	}
	output, err := exec.CommandContext(t.Context(), "haproxy", "-W", "-dW", "-c", "-f", elsewhere).CombinedOutput() //nolint:gosec // a directory of the test
	if err != nil {
		t.Errorf("HAProxy does not take it: %v\n%s", err, output)
	}
}

// TestPrinted: what is printed is what stands in the files, without private keys; what is
// still to be done is in it, and not done by it.
func TestPrinted(t *testing.T) {
	b := managed(t)
	b.serve("shop", endpoint(t, "one", "127.0.0.1:1"))
	a := newAuthority(t)
	b.shared.Certificates = []v1.Certificate{a.declare("shop", "shop.test")}
	b.options.TLSBinds = []string{freeAddress(t)}
	b.open()
	b.sync()
	files := b.print()
	samePrinted(t, b.r, files)
	for _, file := range files {
		if strings.Contains(file.Text, "PRIVATE KEY") {
			t.Errorf("%s shows a private key", file.Name)
		}
	}
	before := b.counts()
	b.serve("late", endpoint(t, "two", "127.0.0.1:2"))
	said := ""
	for _, file := range b.print() {
		said += file.Text
	}
	if !strings.Contains(said, "late.test") || !strings.Contains(said, "127.0.0.1:2") || b.counts() != before {
		t.Errorf("what is to be done: done %s, before %s\n%s", b.counts(), before, said)
	}
	if p := b.plan(reconcilers.Scope{}); p.Empty() {
		t.Error("printing has done it")
	}
}
