package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
			r.Header.Set("X-Gitlab-Token", c.secret)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable || *pulls > 0 {
				t.Errorf("answered %d after %d pulls, want 503 and none", w.Code, *pulls)
			}
		})
	}
}

// TestHookIsLimited: strangers can't make it work without end.
func TestHookIsLimited(t *testing.T) {
	h, pulls, registry := newHook(t, hookSecret, nil)
	limited := 0
	for range 3 * hookBurst {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, HookPath, strings.NewReader("x")))
		if w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < hookBurst || *pulls > 0 {
		t.Errorf("%d of %d were limited, %d pulls", limited, 3*hookBurst, *pulls)
	}
	if n, err := testutil.GatherAndCount(registry, "lockstep_git_hooks_total"); n != 2 || err != nil {
		t.Errorf("%d results are counted, %v; want refused and limited", n, err)
	}
}
