package desired

import (
	"maps"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/controller/ledger"
)

// kept is a state directory in which a ledger is saved on the way.
type kept struct {
	dir   string
	store *ledger.Store
}

func keep(t *testing.T) kept {
	t.Helper()
	dir := t.TempDir()
	store, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return kept{dir, store}
}

// save saves a ledger, and fails where a restart would find another one.
func (k kept) save(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	if err := k.store.Save(l); err != nil {
		t.Fatal(err)
	}
	l.Saved()
	found, err := ledger.Read(ledger.Path(k.dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(said(l), said(found)); diff != "" {
		t.Fatalf("(-ledger +saved):\n%s", diff)
	}
}

// said is what a ledger says.
func said(l *ledger.Ledger) []any {
	return []any{
		maps.Collect(l.Claims.All()), maps.Collect(l.Services.All()), maps.Collect(l.Drains.All()), maps.Collect(l.Ports.All()),
		maps.Collect(l.Pauses.All()), maps.Collect(l.Pins.All()), l.KongMode.Get(),
	}
}
