package sampleapp

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// HealthPath is where the service says how it is, and is told.
const HealthPath = "/-/health"

// InstanceHeader names the instance in each answer.
const InstanceHeader = "X-Instance"

// maxDelay bounds what a request may ask for with ?delay=.
const maxDelay = 30 * time.Second

// Service answers requests. Its methods may be called by many goroutines.
type Service struct {
	instance string
	sick     atomic.Bool
	hangups  atomic.Int64
	asked    atomic.Int64 // when the last request came, in nanoseconds since 1970
}

// NewService returns a service that calls itself instance.
func NewService(instance string, healthy bool) *Service {
	s := &Service{instance: instance}
	s.sick.Store(!healthy)
	return s
}

// ServeHTTP answers HealthPath, and any other path with a line that names the
// instance, the port that was reached, host and path as they arrived, and what there
// is of TLS.
// ?delay=200ms makes the answer wait.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Store(time.Now().UnixNano())
	w.Header().Set(InstanceHeader, s.instance)
	if r.URL.Path == HealthPath {
		s.health(w, r)
		return
	}
	if err := pause(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "instance=%s port=%s host=%s path=%s hangups=%d%s\n",
		s.instance, localPort(r), r.Host, r.URL.EscapedPath(), s.hangups.Load(), secrets(r))
}

// secrets tells of TLS: by which name the service was asked, and which client's certificate
// it was told of, as " sni=web.test client=alice".
func secrets(r *http.Request) string {
	text := ""
	if r.TLS != nil {
		text = " sni=" + r.TLS.ServerName
	}
	der, err := base64.StdEncoding.DecodeString(strings.Trim(r.Header.Get("Client-Cert"), ":"))
	if err != nil || len(der) == 0 {
		return text
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return text + " client=" + err.Error()
	}
	return text + " client=" + cert.Subject.CommonName
}

func (s *Service) health(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		body, err := io.ReadAll(io.LimitReader(r.Body, 16))
		word := strings.TrimSpace(string(body))
		if err != nil || (word != "ok" && word != "bad") {
			http.Error(w, `send "ok" or "bad"`, http.StatusBadRequest)
			return
		}
		s.sick.Store(word == "bad")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if s.sick.Load() {
		http.Error(w, "bad", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// pause waits as long as the request asks for, and no longer than it lives.
func pause(r *http.Request) error {
	text := r.URL.Query().Get("delay")
	if text == "" {
		return nil
	}
	delay, err := time.ParseDuration(text)
	if err != nil || delay < 0 || delay > maxDelay {
		return fmt.Errorf("delay must be a duration of 0 to %s", maxDelay)
	}
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
	return nil
}
