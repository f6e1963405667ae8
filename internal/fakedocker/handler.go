package fakedocker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	version = regexp.MustCompile(`^/v(1\.\d+)(/.*)$`)
	inspect = regexp.MustCompile(`^/containers/([a-zA-Z0-9][a-zA-Z0-9_.-]*)/json$`)
)

// ServeHTTP implements http.Handler.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", apiVersion)
	w.Header().Set("Docker-Experimental", "false")
	w.Header().Set("Ostype", "linux")
	w.Header().Set("Server", "Docker/20.10.24 (linux)")
	path := r.URL.Path
	if m := version.FindStringSubmatch(path); m != nil {
		path = m[2]
		if minor(m[1]) > minor(apiVersion) {
			refuse(w, http.StatusBadRequest, fmt.Sprintf(
				"client version %s is too new. Maximum supported API version is %s", m[1], apiVersion))
			return
		}
	}
	call, serve := e.route(r.Method, path)
	e.count(call, serve != nil, r)
	if serve == nil {
		refuse(w, http.StatusMethodNotAllowed, "a watcher must not send "+call)
		return
	}
	if e.suffer(w, r, strings.Replace(call, "HEAD", "GET", 1)) {
		e.answer(w, r, call, serve)
	}
}

// route returns a request's method and path template, and who answers it; nil
// for what a read-only client must not ask.
func (e *Engine) route(method, path string) (string, http.HandlerFunc) {
	if path == "/_ping" && (method == http.MethodGet || method == http.MethodHead) {
		return method + " /_ping", e.servePing
	}
	if method == http.MethodGet {
		switch path {
		case "/version":
			return "GET /version", e.serveVersion
		case "/containers/json":
			return List, e.serveList
		case "/events":
			return Events, e.serveEvents
		case "/networks":
			return Networks, e.serveNetworks
		}
		if m := inspect.FindStringSubmatch(path); m != nil {
			return Inspect, func(w http.ResponseWriter, r *http.Request) { e.serveInspect(w, m[1]) }
		}
	}
	return method + " " + path, nil
}

func (e *Engine) count(call string, allowed bool, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if allowed {
		e.requests[call]++
	} else {
		e.violations = append(e.violations, r.Method+" "+r.URL.Path)
	}
}

func (e *Engine) servePing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte("OK"))
	}
}

func (e *Engine) serveVersion(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"Version": "20.10.24", "ApiVersion": apiVersion, "MinAPIVersion": "1.12",
		"Os": "linux", "Arch": "amd64", "KernelVersion": "6.1.0", "GoVersion": "go1.19.8",
	})
}

func (e *Engine) serveInspect(w http.ResponseWriter, ref string) {
	e.mu.Lock()
	c, err := e.find(ref)
	var answer any
	if err == nil {
		answer = e.inspection(c)
	}
	e.mu.Unlock()
	if err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	reply(w, answer)
}

func (e *Engine) serveNetworks(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	all := []any{}
	for _, n := range e.networks {
		all = append(all, n.json())
	}
	e.mu.Unlock()
	reply(w, all)
}

func (e *Engine) serveList(w http.ResponseWriter, r *http.Request) {
	f, err := listFilters(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	e.mu.Lock()
	body := e.frozen
	if body == nil {
		body = e.listAll(f)
	}
	cut := e.faults.cut > 0
	if cut {
		e.faults.cut--
	}
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if cut {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break a connection off
	}
	_, _ = w.Write(body)
}

// listFilters reads the filters of a list and refuses what the Engine does not know.
func listFilters(r *http.Request) (filterSet, error) {
	f, err := parseFilters(r.URL.Query().Get("filters"))
	if err != nil {
		return nil, err
	}
	for key := range f {
		switch key {
		case "label", "name", "network", "publish", "status", "id", "health":
		default:
			return nil, fmt.Errorf("Invalid filter '%s'", key) //nolint:staticcheck // the Engine's own words
		}
	}
	for key := range r.URL.Query() {
		if key != "filters" && key != "all" && key != "limit" {
			return nil, fmt.Errorf("unexpected parameter %q", key)
		}
	}
	if r.URL.Query().Get("all") != "" && len(f["status"]) == 0 {
		f["status"] = []string{"created", "running", "paused", "restarting", "exited"}
	}
	return f, nil
}

func (e *Engine) serveEvents(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilters(r.URL.Query().Get("filters"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	since, err := nanoseconds(r.URL.Query().Get("since"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	// As in the Engine, the answer begins before the subscription stands.
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	if control.Flush() != nil {
		return
	}
	s := e.subscribe(f, since)
	defer e.unsubscribe(s)
	encoder := json.NewEncoder(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.cut:
			return
		case ev := <-s.queue:
			if encoder.Encode(ev) != nil || control.Flush() != nil {
				return
			}
		}
	}
}

// nanoseconds reads "1136073600.000000001".
func nanoseconds(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return 0, err
	}
	return s*int64(time.Second) + n, nil
}

func minor(v string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(v, "1."))
	if err != nil {
		return 0
	}
	return n
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	_, _ = w.Write(append(text, '\n'))
}

func refuse(w http.ResponseWriter, status int, message string) {
	text, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		text = []byte(errors.Unwrap(err).Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
