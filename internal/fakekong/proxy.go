package fakekong

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lockstep/lockstep/reconcilers/routing"
)

// via is how Kong names itself on the way.
const via = "1.1 kong/" + version

// ProxyHandler serves the proxy: it takes requests to where the routes say.
func (k *Kong) ProxyHandler() http.Handler { return k.front.handlers[1] }

// newProxy makes the handler of the proxy.
func (k *Kong) newProxy() http.Handler {
	k.front.idle = func() {}
	if k.behind != nil {
		return k.behind.passage()
	}
	transport := func() *http.Transport {
		return &http.Transport{DialContext: k.dial, MaxIdleConnsPerHost: 64, DisableCompression: true, ExpectContinueTimeout: time.Second}
	}
	base, secured := transport(), newSecured(k, transport)
	proxy := &httputil.ReverseProxy{
		Rewrite:      keep,
		Transport:    &retrier{k: k, base: base, secured: secured},
		ErrorHandler: upstreamFailed,
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // failures show in the answers
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Via", via)
			r.Header.Set("X-Kong-Upstream-Latency", "1")
			r.Header.Set("X-Kong-Proxy-Latency", "0")
			r.Header.Set("X-Kong-Request-Id", tripOf(r.Request.Context()).id)
			return nil
		},
	}
	k.front.idle = func() {
		base.CloseIdleConnections()
		secured.close()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.ReplaceAll(uuid.NewString(), "-", "")
		t, ends, status, message := k.plan(r)
		switch {
		case ends != nil:
			k.terminate(w, r, id, ends)
		case t != nil:
			t.id = id
			proxy.ServeHTTP(w, forward(r, t))
		case status == http.StatusUpgradeRequired:
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "TLS/1.2, HTTP/1.1")
			refuse(w, id, status, message)
		case status >= 300 && status < 400:
			w.Header().Set("Location", "https://"+r.Host+r.URL.RequestURI())
			refuse(w, id, status, message)
		default:
			refuse(w, id, status, message)
		}
	})
}

// trip is one request on its way to a service.
type trip struct {
	id       string
	decision routing.Decision
	service  map[string]any
	upstream *entity // that the service's host names; nil: the host is one
}

type tripKey struct{}

func tripOf(ctx context.Context) *trip {
	t, _ := ctx.Value(tripKey{}).(*trip)
	return t
}

// plan decides where a request goes, or what is answered instead.
func (k *Kong) plan(r *http.Request) (t *trip, ends *termination, status int, message string) {
	q := routing.Request{Scheme: "http", Method: r.Method, Host: r.Host, Target: r.RequestURI, Header: r.Header, Port: portOf(r)}
	if r.TLS != nil {
		q.Scheme, q.SNI = "https", r.TLS.ServerName
	}
	if r.URL.IsAbs() {
		// The server has put the URL's host in the place of the Host header, which Kong
		// goes by; as it isn't known any more, routes with hosts don't match.
		q.Host = "-"
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	d, route, service := k.routing.get().decide(q)
	switch {
	case d.Status == http.StatusNotFound:
		return nil, nil, d.Status, "no Route matched with those values"
	case d.Status == http.StatusBadRequest:
		return nil, nil, d.Status, "Bad request"
	case d.Status != 0:
		return nil, nil, d.Status, "Please use HTTPS protocol"
	}
	if ends = k.plugins.get().of(route, service); ends.triggered(r) {
		ends.route, ends.service = route, service
		return nil, ends, 0, ""
	}
	if service == nil {
		return nil, nil, http.StatusServiceUnavailable, "no Service found with those values"
	}
	t = &trip{decision: d, service: service.fields}
	defer k.store.look(service.within)()
	t.upstream = k.store.lookup(k.lib, kindOf("upstreams"), text(service.fields["host"]))
	return t, nil, 0, ""
}

// portOf is the port that the gateway listens on, as far as the request tells.
func portOf(r *http.Request) int {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr == nil {
		return 0
	}
	_, port, _ := net.SplitHostPort(addr.String())
	n, _ := strconv.Atoi(port)
	return n
}

// forward makes the request for the upstream, but for the address, which each try sets.
func forward(r *http.Request, t *trip) *http.Request {
	out := r.Clone(context.WithValue(r.Context(), tripKey{}, t))
	path, query, _ := strings.Cut(t.decision.Target, "?")
	out.URL.Path, out.URL.RawPath, out.URL.RawQuery = unescaped(path), path, query
	out.URL.ForceQuery = query == "" && strings.HasSuffix(t.decision.Target, "?")
	out.URL.Scheme = "http"
	if text(t.service["protocol"]) == "https" {
		out.URL.Scheme = "https"
	}
	client, _, _ := net.SplitHostPort(r.RemoteAddr)
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, strconv.Itoa(portOf(r))
	}
	h := out.Header
	forwarded := client
	if before := r.Header.Get("X-Forwarded-For"); before != "" {
		forwarded = before + ", " + client
	}
	h.Set("X-Forwarded-For", forwarded)
	h.Set("X-Forwarded-Proto", "http")
	h.Set("X-Forwarded-Host", host)
	h.Set("X-Forwarded-Port", port)
	h.Set("X-Forwarded-Path", r.URL.RequestURI())
	if t.decision.Prefix != "" {
		h.Set("X-Forwarded-Prefix", t.decision.Prefix)
	}
	h.Set("X-Real-IP", client)
	h.Set("X-Kong-Request-Id", t.id)
	h.Set("Via", via)
	return out
}

// keep undoes what the reverse proxy takes away from a request that forward has made ready.
func keep(p *httputil.ProxyRequest) {
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		p.Out.Header[name] = p.In.Header[name]
	}
}

// refuse says in the gateway's own name why it does not pass a request on.
func refuse(w http.ResponseWriter, id string, status int, message string) {
	a := answer{status: status, body: object{"message": message, "request_id": id}}
	respond(w, id, status, jsonType, a.bytes())
}

// jsonType is what Kong calls JSON.
const jsonType = "application/json; charset=utf-8"

// respond answers in the gateway's own name.
func respond(w http.ResponseWriter, id string, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Server", "kong/"+version)
	w.Header().Set("X-Kong-Request-Id", id)
	w.Header().Set("X-Kong-Response-Latency", "0")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// upstreamFailed answers when no try has got through.
func upstreamFailed(w http.ResponseWriter, r *http.Request, err error) {
	status, message := http.StatusBadGateway, "An invalid response was received from the upstream server"
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errNoPeer):
		status, message = http.StatusServiceUnavailable, "failure to get a peer from the ring-balancer"
	case errors.As(err, &dns):
		status, message = http.StatusServiceUnavailable, "name resolution failed"
	case errors.As(err, &timeout) && timeout.Timeout():
		status, message = http.StatusGatewayTimeout, "The upstream server is timing out"
	}
	refuse(w, tripOf(r.Context()).id, status, message)
}
