package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// HookPath is where a git server tells of pushes.
const HookPath = "/hooks/git"

// The bounds of what strangers may cost.
const (
	hookBody    = 25 << 20 // bytes; GitHub sends no more
	hookTime    = 10 * time.Second
	hookRate    = 5 // requests a second, from everybody together
	hookBurst   = 20
	hookAtOnce  = 16
	leastSecret = 16 // characters
)

// Hook is what a webhook is made of.
type Hook struct {
	// Secret looks up what the git server signs with, for every request.
	Secret func() (v1.Secret, error)
	// Pull asks for a look at the repository. It must not block.
	Pull       func()
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// CheckHookSecret refuses a secret that can be guessed.
func CheckHookSecret(secret v1.Secret) error {
	if len(secret.Reveal()) < leastSecret {
		return fmt.Errorf("the secret is shorter than %d characters, and could be guessed; make one with: openssl rand -hex 32", leastSecret)
	}
	return nil
}

// hook is the handler.
type hook struct {
	Hook
	limit  *rate.Limiter
	atOnce chan struct{}
	counts *prometheus.CounterVec
}

// NewHook returns the handler of HookPath. What a request says does not matter, only
// that it bears the secret's signature: it makes Lockstep look by itself. No answer
// has a body, and nothing is kept of a request.
func NewHook(h Hook) http.Handler {
	made := &hook{
		Hook: h, limit: rate.NewLimiter(hookRate, hookBurst), atOnce: make(chan struct{}, hookAtOnce),
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_git_hooks_total",
			Help: "Calls of the webhook, by result: accepted, refused (no signature that fits), or limited (too many at once)."}, []string{"result"}),
	}
	h.Registerer.MustRegister(made.counts)
	mux := http.NewServeMux()
	mux.Handle("POST "+HookPath, made)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return mux
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	select {
	case h.atOnce <- struct{}{}:
		defer func() { <-h.atOnce }()
	default:
		h.answer(w, "limited", http.StatusTooManyRequests)
		return
	}
	if !h.limit.Allow() {
		h.answer(w, "limited", http.StatusTooManyRequests)
		return
	}
	secret, err := h.Secret()
	if err == nil {
		err = CheckHookSecret(secret)
	}
	if err != nil {
		h.Log.Error("webhook is refused, as its secret can't be read", "error", err)
		h.answer(w, "refused", http.StatusServiceUnavailable)
		return
	}
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		h.answer(w, "refused", http.StatusServiceUnavailable)
		return
	}
	if !signed(r, secret) {
		h.answer(w, "refused", http.StatusUnauthorized)
		return
	}
	h.Pull()
	h.answer(w, "accepted", http.StatusAccepted)
}

// answer counts a call, and answers it with a status alone.
func (h *hook) answer(w http.ResponseWriter, result string, status int) {
	h.counts.WithLabelValues(result).Inc()
	w.WriteHeader(status)
}

// signatures are the headers that hold a signature of the body, in hexadecimal.
var signatures = []struct{ name, prefix string }{
	{"X-Hub-Signature-256", "sha256="}, // GitHub, and Gitea as well
	{"X-Gitea-Signature", ""},
	{"X-Forgejo-Signature", ""},
}

// tokenHeader holds the secret itself: GitLab's way.
const tokenHeader = "X-Gitlab-Token"

// signed reports whether a request bears the secret, in the way of one of the git
// servers. It takes as long for a wrong one as for a right one, and keeps no body.
func signed(r *http.Request, secret v1.Secret) bool {
	if token := r.Header.Get(tokenHeader); token != "" {
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(secret.Reveal()))
		return subtle.ConstantTimeCompare(given[:], want[:]) == 1
	}
	for _, signature := range signatures {
		text := r.Header.Get(signature.name)
		if text == "" {
			continue
		}
		given, err := hex.DecodeString(strings.TrimPrefix(text, signature.prefix))
		if err != nil || !strings.HasPrefix(text, signature.prefix) || len(given) != sha256.Size {
			return false
		}
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		n, err := io.Copy(mac, io.LimitReader(r.Body, hookBody+1))
		return err == nil && n <= hookBody && hmac.Equal(given, mac.Sum(nil))
	}
	return false
}
