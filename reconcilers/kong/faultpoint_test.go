package kong

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong"
)

// faultPoint is one request of a round: the nth of those that are alike.
type faultPoint struct {
	alike string
	nth   int
}

// alike are requests by the same method for the same kind of thing. All lists are read
// in one way, and so are all schemas.
func alike(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if len(part) == 36 && strings.Count(part, "-") == 4 {
			parts[i] = "ID"
		}
	}
	if method == http.MethodGet {
		switch last := parts[len(parts)-1]; {
		case parts[0] == "schemas":
			parts = parts[:1]
		case last != "" && last != "status" && last != "ID":
			parts = []string{"list"}
		}
	}
	return method + " " + strings.Join(parts, "/")
}

// faultPoints are the first and the last of each that are alike.
func faultPoints(requests []fakekong.Request) []faultPoint {
	counts := map[string]int{}
	for _, r := range requests {
		counts[alike(r.Method, r.Path)]++
	}
	var points []faultPoint
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		points = append(points, faultPoint{name, 1})
		if n := counts[name]; n > 1 {
			points = append(points, faultPoint{name, n})
		}
	}
	return points
}

// mustHold errs where none of the points is one of these requests.
func mustHold(t *testing.T, points []faultPoint, requests ...string) {
	t.Helper()
	for _, prefix := range requests {
		if !slices.ContainsFunc(points, func(p faultPoint) bool { return strings.HasPrefix(p.alike, prefix) }) {
			t.Errorf("no request goes wrong that begins with %q: %v", prefix, points)
		}
	}
}

// struck lets the request at a point go wrong.
type struck struct {
	at    faultPoint
	fault fakekong.Fault
	end   *ending // of the client that makes the requests: its patience ends where the fault is that nothing is answered

	mu   sync.Mutex
	seen int
}

func (s *struck) hook(r *http.Request) fakekong.Fault {
	if alike(r.Method, r.URL.Path) != s.at.alike {
		return fakekong.Fault{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen++; s.seen != s.at.nth {
		return fakekong.Fault{}
	}
	if s.fault.Hang {
		s.end.patience(r)
	}
	return s.fault
}

// mustHit errs where there was no such request.
func (s *struck) mustHit(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen < s.at.nth {
		t.Errorf("%s: there were %d such requests", s.at, s.seen)
	}
}

func (p faultPoint) String() string { return fmt.Sprintf("%s, number %d", p.alike, p.nth) }
