package fakekong

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// passage is the way to the proxy of a real Kong that is set apart: what is asked for, and
// what is answered, is spelled as the Admin API's requests are. Each request has a
// connection of its own, so that it may meet any of Kong's workers.
type passage struct {
	behind *behind
	client *http.Client
}

// passage is the handler of that way.
func (b *behind) passage() http.Handler {
	return &passage{behind: b, client: asking(&http.Transport{DisableKeepAlives: true, DisableCompression: true})}
}

// ServeHTTP implements http.Handler. Where Kong does not answer, nor does it.
func (p *passage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := p.ask(r)
	if err != nil {
		if !cut(w, nil) {
			w.WriteHeader(http.StatusBadGateway)
		}
		return
	}
	header := w.Header()
	for name, values := range a.header {
		for _, value := range values {
			header.Add(p.behind.ours(strings.ToLower(name)), p.behind.ours(value))
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.raw)
}

func (p *passage) ask(r *http.Request) (*answer, error) {
	if p.behind.proxy == "" {
		return nil, errors.New("nobody said where that Kong serves")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	theirs := p.behind.theirs
	req, err := http.NewRequestWithContext(r.Context(), r.Method, p.behind.proxy+theirs(r.URL.RequestURI()), strings.NewReader(theirs(string(body))))
	if err != nil {
		return nil, err
	}
	req.Host = theirs(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			req.Header.Add(theirs(strings.ToLower(name)), theirs(value))
		}
	}
	for _, name := range hop {
		req.Header.Del(name)
	}
	return p.behind.pass(p.client, req)
}
