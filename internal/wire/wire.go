// Package wire answers HTTP requests of tests without a network, so that time and faults
// are the test's.
package wire

import (
	"io"
	"net/http"
	"strings"
)

// Func is a transport that answers each request by a call.
type Func func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f Func) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Reply returns an answer; header holds names and values in turn.
func Reply(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}
