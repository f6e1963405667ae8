package manifests

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestHalfOfAChangeIsNotBelieved: what moves from one file to the other between the look at the
// files and the reading of one of them is not gone meanwhile; a file that never comes to rest
// holds the others up for a while only.
func TestHalfOfAChangeIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	a, b := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
	write(t, a, service("a", "/a")+"---\n"+service("moves", "/1"))
	write(t, b, service("b", "/b"))
	w := New(Options{Folders: []string{dir}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	w.ears = newEars(w.nudge)
	t.Cleanup(w.ears.close)
	see := func() {
		w.ears.all = true // whatever was heard
		w.look()
	}
	look := func() map[string]bool {
		t.Helper()
		see()
		w.take(time.Now())
		told := map[string]bool{}
		for name, service := range w.Take().Services {
			told[name] = service != nil
		}
		return told
	}
	if told := look(); len(told) != 3 {
		t.Fatalf("at first it tells of %v, want three services", told)
	}
	rename(t, a, "# soon\n"+service("a", "/a")+"---\n"+service("moves", "/1"))
	see()
	rename(t, a, service("a", "/a"))
	rename(t, b, service("b", "/b")+"---\n"+service("moves", "/2"))
	w.take(time.Now())
	if news := w.Take(); len(news.Services) > 0 {
		t.Errorf("half of the change is believed: %v", news.Services)
	}
	if !w.ears.again {
		t.Error("it does not look again at once")
	}
	if told := look(); len(told) != 1 || !told["moves"] {
		t.Errorf("of the change it tells %v, want that the one that moved is another", told)
	}
	for i := range 2 * maxTorn {
		see()
		rename(t, a, service("a", fmt.Sprintf("/%d", i)))
		w.take(time.Now())
		if w.Take().Services["a"] != nil {
			return
		}
	}
	t.Error("a file that never comes to rest is never believed")
}
