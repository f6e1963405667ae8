package fakekong

import (
	"cmp"
	"io"
	"net/http"
	"strings"
)

// termination is one request-termination, which answers instead of an upstream.
type termination struct {
	config         map[string]any
	route, service *entity // of the request, as the router has them
}

// terminations are those that are enabled, by the ids of their route and service; ""
// where they are for all.
type terminations map[[2]string]map[string]any

// terminations collects them, but for those of some consumers alone: the proxy knows none.
// The caller holds the lock.
func (k *Kong) terminations() terminations {
	defer k.store.look(everywhere)()
	out := terminations{}
	for _, e := range k.store.list(kindOf("plugins")) {
		config, ok := e.fields["config"].(map[string]any)
		if ok && e.fields["name"] == "request-termination" && e.fields["enabled"] == true && e.ref("consumer") == "" && e.ref("consumer_group") == "" {
			out[[2]string{e.ref("route"), e.ref("service")}] = config
		}
	}
	return out
}

// of returns the most specific one for a route and its service; nil: none.
func (t terminations) of(route, service *entity) *termination {
	var ids [2]string
	for i, e := range []*entity{route, service} {
		if e != nil {
			ids[i] = e.id()
		}
	}
	for _, key := range [][2]string{ids, {ids[0], ""}, {"", ids[1]}, {"", ""}} {
		if config, ok := t[key]; ok {
			return &termination{config: config}
		}
	}
	return nil
}

// triggered reports whether it answers the request.
func (t *termination) triggered(r *http.Request) bool {
	if t == nil {
		return false
	}
	trigger := text(t.config["trigger"])
	return trigger == "" || r.Header.Get(trigger) != "" || r.URL.Query().Has(trigger)
}

// defaultMessages are those that stand in for none.
var defaultMessages = map[int]string{
	401: "Unauthorized", 404: "Not found", 405: "Method not allowed", 500: "An unexpected error occurred",
	502: "Bad Gateway", 503: "Service unavailable",
}

// terminate answers a request as the plugin does.
func (k *Kong) terminate(w http.ResponseWriter, r *http.Request, id string, t *termination) {
	status := number(t.config["status_code"])
	message := cmp.Or(text(t.config["message"]), defaultMessages[status])
	if body := text(t.config["body"]); body != "" && t.config["echo"] != true {
		respond(w, id, status, cmp.Or(text(t.config["content_type"]), jsonType), []byte(body))
		return
	}
	said := object{}
	if message != "" {
		said["message"] = message
	}
	if t.config["echo"] == true {
		if r.ProtoMajor == 2 && r.Header.Get("Content-Length") == "" { // Kong 3.6 and newer read no body then
			refuse(w, id, http.StatusInternalServerError, "An unexpected error occurred")
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			cut(w, nil)
			return
		}
		headers := object{}
		for name, values := range r.Header {
			headers[strings.ToLower(name)] = values[0]
		}
		said["kong"] = object{"node_id": k.nodeID, "worker_pid": workers[k.turn.Add(1)%uint64(len(workers))], "hostname": "fakekong"}
		query := object{}
		for name, values := range r.URL.Query() {
			query[name] = values[0]
		}
		said["request"] = object{
			"scheme": "http", "host": r.Host, "method": r.Method, "path": r.URL.Path, "raw_body": string(raw), "headers": headers, "query": query,
		}
		said["matched_route"] = t.route.fields
		if t.service != nil {
			said["matched_service"] = t.service.fields
		}
	}
	var body []byte
	if len(said) > 0 {
		a := answer{status: status, body: said}
		body = a.bytes()
	}
	respond(w, id, status, jsonType, body)
}
