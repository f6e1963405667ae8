package server

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "github.com/lockstep/lockstep/api/v1"
)

const hookSecret = "0123456789abcdef-secret"

// newHook serves a webhook, and counts the pulls.
func newHook(t *testing.T, secret string, fails error) (h http.Handler, pulls *int, registry *prometheus.Registry) {
	t.Helper()
	pulls, registry = new(int), prometheus.NewRegistry()
	return NewHook(Hook{
		Secret: func() (v1.Secret, error) { return v1.NewSecret(secret), fails },
		Pull:   func() { *pulls++ }, Log: slog.New(slog.DiscardHandler), Registerer: registry,
	}), pulls, registry
}

// hmacOf signs a body as git servers do.
func hmacOf(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestHook(t *testing.T) {
	body := `{"ref":"refs/heads/main"}`
	right := hmacOf(hookSecret, body)
	for name, c := range map[string]struct {
		method, path   string
		header, signed string
		body           string
		want           int
	}{
		"github":             {"POST", HookPath, "X-Hub-Signature-256", "sha256=" + right, body, 202},
		"gitea":              {"POST", HookPath, "X-Gitea-Signature", right, body, 202},
		"forgejo":            {"POST", HookPath, "X-Forgejo-Signature", right, body, 202},
		"gitlab":             {"POST", HookPath, "X-Gitlab-Token", hookSecret, body, 202},
		"unsigned":           {"POST", HookPath, "X-Other", "", body, 401},
		"another body":       {"POST", HookPath, "X-Hub-Signature-256", "sha256=" + right, body + " ", 401},
		"another secret":     {"POST", HookPath, "X-Hub-Signature-256", "sha256=" + hmacOf("another secret that is long", body), body, 401},
		"no secret":          {"POST", HookPath, "X-Hub-Signature-256", "sha256=" + hmacOf("", body), body, 401},
		"sha1":               {"POST", HookPath, "X-Hub-Signature-256", "sha1=" + right, body, 401},
		"half a signature":   {"POST", HookPath, "X-Gitea-Signature", right[:16], body, 401},
		"no hexadecimal":     {"POST", HookPath, "X-Gitea-Signature", "zz", body, 401},
		"another token":      {"POST", HookPath, "X-Gitlab-Token", hookSecret + "x", body, 401},
		"part of the token":  {"POST", HookPath, "X-Gitlab-Token", hookSecret[:8], body, 401},
		"a question":         {"GET", HookPath, "X-Gitlab-Token", hookSecret, "", 404},
		"another path":       {"POST", "/status", "X-Gitlab-Token", hookSecret, "", 404},
		"more than is taken": {"POST", HookPath, "X-Gitea-Signature", hmacOf(hookSecret, strings.Repeat("a", hookBody+1)), strings.Repeat("a", hookBody+1), 401},
	} {
		t.Run(name, func(t *testing.T) {
			h, pulls, _ := newHook(t, hookSecret, nil)
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			r.Header.Set(c.header, c.signed)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			said, err := io.ReadAll(w.Result().Body)
			if w.Code != c.want || err != nil || len(said) > 0 {
				t.Errorf("answered %d %q, %v; want %d and no word", w.Code, said, err, c.want)
			}
			if want := c.want == http.StatusAccepted; *pulls > 0 != want {
				t.Errorf("%d pulls, want %v", *pulls, want)
			}
		})
	}
}

func TestHookWithoutASoundSecret(t *testing.T) {
	for name, c := range map[string]struct {
		secret string
		fails  error
	}{"none": {"", nil}, "short": {"hunter2", nil}, "unreadable": {hookSecret, errors.New("no such file")}} {
		t.Run(name, func(t *testing.T) {
			h, pulls, _ := newHook(t, c.secret, c.fails)
			r := httptest.NewRequest(http.MethodPost, HookPath, strings.NewReader(""))
			r.Header.Set("X-Gitlab-Token", cmp.Or(c.secret, "anything"))
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable || *pulls > 0 {
				t.Errorf("answered %d after %d pulls, want 503 and none", w.Code, *pulls)
			}
		})
	}
}

// call calls the webhook from an address with a signed body, or a length that it never sends.
func call(h http.Handler, from, signature, body string, length int64) int {
	r := httptest.NewRequest(http.MethodPost, HookPath, strings.NewReader(body))
	r.RemoteAddr, r.ContentLength = from, length
	r.Header.Set("X-Hub-Signature-256", "sha256="+signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// TestWrongCallsHarmNobodyElse: whoever has no secret is limited where it costs something,
// and right calls are taken meanwhile, from elsewhere without end, from the same address
// as long as they are small.
func TestWrongCallsHarmNobodyElse(t *testing.T) { synctest.Test(t, wrongCallsHarmNobodyElse) }

func wrongCallsHarmNobodyElse(t *testing.T) {
	h, pulls, registry := newHook(t, hookSecret, nil)
	wrong, large := hmacOf("another secret that is long", "x"), strings.Repeat("a", smallBody+1)
	const stranger, neighbour = "192.0.2.1:4000", "[2001:db8::1]:4000"
	seen := map[int]int{}
	for range 3 * wrongBurst {
		seen[call(h, stranger, wrong, large, int64(len(large)))]++
		call(h, "[2001:db8::2]:4000", wrong, large, -1)
		call(h, stranger, wrong, "x", 1)
		call(h, stranger, "no signature", large, int64(len(large)))
	}
	if seen[http.StatusUnauthorized] < wrongBurst || seen[http.StatusTooManyRequests] < wrongBurst || *pulls > 0 {
		t.Fatalf("wrong calls were answered %v, with %d pulls; want the first to be refused, and others not to be looked at", seen, *pulls)
	}
	for range 10 * wrongBurst {
		if code := call(h, "192.0.2.2:4000", hmacOf(hookSecret, large), large, int64(len(large))); code != http.StatusAccepted {
			t.Fatalf("a right call from elsewhere was answered %d", code)
		}
		if code := call(h, stranger, hmacOf(hookSecret, "x"), "x", 1); code != http.StatusAccepted {
			t.Fatalf("a small right call from the stranger's address was answered %d", code)
		}
	}
	if code := call(h, neighbour, hmacOf(hookSecret, large), large, int64(len(large))); code != http.StatusTooManyRequests {
		t.Errorf("a large call from the stranger's network was answered %d, want 429", code)
	}
	<-time.After(time.Second / wrongRate)
	if code := call(h, neighbour, hmacOf(hookSecret, large), large, -1); code != http.StatusAccepted {
		t.Errorf("a while later it was answered %d, want 202", code)
	}
	if *pulls != 20*wrongBurst+1 {
		t.Errorf("%d pulls, want one for each right call", *pulls)
	}
	if n, err := testutil.GatherAndCount(registry, "lockstep_git_hooks_total"); n != 3 || err != nil {
		t.Errorf("%d results are counted, %v; want accepted, refused and limited", n, err)
	}
}

// stalled is a body that never comes.
type stalled struct{ begun, end chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	s.begun <- struct{}{}
	<-s.end
	return 0, io.EOF
}

// TestCallsThatNeverEnd hold up those of their own address alone.
func TestCallsThatNeverEnd(t *testing.T) {
	h, _, _ := newHook(t, hookSecret, nil)
	body := stalled{make(chan struct{}), make(chan struct{})}
	var group sync.WaitGroup
	for range callerMost {
		group.Go(func() {
			r := httptest.NewRequest(http.MethodPost, HookPath, body)
			r.RemoteAddr = "192.0.2.1:4000"
			r.Header.Set("X-Gitea-Signature", hmacOf(hookSecret, "x"))
			h.ServeHTTP(httptest.NewRecorder(), r)
		})
		<-body.begun
	}
	right := hmacOf(hookSecret, "x")
	if code := call(h, "192.0.2.1:5000", right, "x", 1); code != http.StatusTooManyRequests {
		t.Errorf("one more from the same address was answered %d, want 429", code)
	}
	if code := call(h, "192.0.2.2:5000", right, "x", 1); code != http.StatusAccepted {
		t.Errorf("one from elsewhere was answered %d, want 202", code)
	}
	close(body.end)
	group.Wait()
	if code := call(h, "192.0.2.1:5000", right, "x", 1); code != http.StatusAccepted {
		t.Errorf("afterwards one was answered %d, want 202", code)
	}
}

// TestCallersAreBounded: not more addresses are remembered than that, and one that is new
// has its turn all the same, unless all of them have calls under way.
func TestCallersAreBounded(t *testing.T) {
	c := newCallers()
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
	}
	var leave []func(bool)
	for i := range callersMax {
		done, ok := c.enter(at(i), true)
		if !ok {
			t.Fatalf("address %d is not let in", i)
		}
		leave = append(leave, done)
	}
	if _, ok := c.enter(at(callersMax), true); ok {
		t.Error("one more is let in while all are busy")
	}
	for _, done := range leave {
		done(false)
	}
	for i := range callersMax {
		done, ok := c.enter(at(callersMax+i), false)
		if !ok || len(c.by) > callersMax {
			t.Fatalf("address %d: let in %t, %d are remembered", callersMax+i, ok, len(c.by))
		}
		done(true)
	}
}

// TestHookWithoutSecretIsLoggedOnce: whoever calls can't fill the log.
func TestHookWithoutSecretIsLoggedOnce(t *testing.T) {
	var log strings.Builder
	var fails error
	h := NewHook(Hook{
		Secret: func() (v1.Secret, error) { return v1.NewSecret(hookSecret), fails },
		Pull:   func() {}, Log: slog.New(slog.NewTextHandler(&log, nil)), Registerer: prometheus.NewRegistry(),
	})
	call := func() {
		request := httptest.NewRequest(http.MethodPost, HookPath, nil)
		request.Header.Set("X-Gitlab-Token", "anything")
		h.ServeHTTP(httptest.NewRecorder(), request)
	}
	for _, fails = range []error{io.ErrUnexpectedEOF, nil, io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		for range 100 {
			call()
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 3 {
		t.Errorf("%d lines, want one each time that it is another trouble:\n%s", lines, log.String())
	}
}
