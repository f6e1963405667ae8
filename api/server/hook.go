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
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// HookPath is where a git server tells of pushes.
const HookPath = "/hooks/git"

// The bounds of what strangers may cost.
const (
	hookBody    = 25 << 20 // bytes; GitHub sends no more
	smallBody   = 64 << 10 // bytes that cost no more to check than a request does
	hookTime    = 10 * time.Second
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
	callers *callers
	counts  *prometheus.CounterVec
	said    atomic.Pointer[string] // why the secret can't be read, as last logged; nil: it can
}

// NewHook returns the handler of HookPath. What a request says does not matter, only
// that it bears the secret's signature: it makes Lockstep look by itself. No answer
// has a body, and nothing is kept of a request.
func NewHook(h Hook) http.Handler {
	made := &hook{
		Hook: h, callers: newCallers(),
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_git_hooks_total",
			Help: "Calls of the webhook, by result: accepted, refused (no signature that fits), or limited (too many wrong ones, or too many at once, from one address)."}, []string{"result"}),
	}
	h.Registerer.MustRegister(made.counts)
	mux := http.NewServeMux()
	mux.Handle("POST "+HookPath, made)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return mux
}

// ServeHTTP implements http.Handler. What is wrong at first sight costs no more than the look.
// A call is right or wrong by its body alone where that is signed, so reading it is what
// strangers may make it do: within bounds for each address, which those who are right never
// meet. How often it looks, the repository says.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	shown, has := proofOf(r)
	if !has || r.ContentLength > hookBody {
		h.answer(w, "refused", http.StatusUnauthorized)
		return
	}
	secret, err := h.Secret()
	if err == nil {
		err = CheckHookSecret(secret)
	}
	if h.tell(err); err != nil {
		h.answer(w, "refused", http.StatusServiceUnavailable)
		return
	}
	right := false
	if shown.mac == nil {
		right = shown.isToken(secret)
	} else {
		leave, ok := h.callers.enter(callerOf(r), r.ContentLength < 0 || r.ContentLength > smallBody)
		if !ok {
			h.answer(w, "limited", http.StatusTooManyRequests)
			return
		}
		defer func() { leave(right) }()
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			h.answer(w, "refused", http.StatusServiceUnavailable)
			return
		}
		right = shown.signs(r.Body, secret)
	}
	if !right {
		h.answer(w, "refused", http.StatusUnauthorized)
		return
	}
	h.Pull()
	h.answer(w, "accepted", http.StatusAccepted)
}

// tell logs why the secret can't be read, once for as long as it is the same: strangers call as
// often as they like.
func (h *hook) tell(err error) {
	if err == nil {
		h.said.Store(nil)
		return
	}
	text := err.Error()
	if before := h.said.Swap(&text); before == nil || *before != text {
		h.Log.Error("webhook is refused, as its secret can't be read", "error", err)
	}
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

// proof is what a request shows to be the git server's: the secret, or a signature of its
// body.
type proof struct {
	token string
	mac   []byte // nil: the secret itself
}

// proofOf returns what a request shows, in the way of one of the git servers; false when
// that is nothing that could be right.
func proofOf(r *http.Request) (proof, bool) {
	if token := r.Header.Get(tokenHeader); token != "" {
		return proof{token: token}, true
	}
	for _, signature := range signatures {
		text := r.Header.Get(signature.name)
		if text == "" {
			continue
		}
		mac, err := hex.DecodeString(strings.TrimPrefix(text, signature.prefix))
		return proof{mac: mac}, err == nil && strings.HasPrefix(text, signature.prefix) && len(mac) == sha256.Size
	}
	return proof{}, false
}

// isToken reports whether it is the secret. It takes as long for a wrong one as for a right one.
func (p proof) isToken(secret v1.Secret) bool {
	given, want := sha256.Sum256([]byte(p.token)), sha256.Sum256([]byte(secret.Reveal()))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// signs reports whether it is the body's signature, in the same way. It keeps no body.
func (p proof) signs(body io.Reader, secret v1.Secret) bool {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	n, err := io.Copy(mac, io.LimitReader(body, hookBody+1))
	return err == nil && n <= hookBody && hmac.Equal(p.mac, mac.Sum(nil))
}
