package fakekong

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// matcher compares answers. Ids that a Kong made up are equal when they stand for each other throughout.
type matcher struct {
	words  *strings.Replacer
	theirs map[string]string // their id -> ours
	ours   map[string]string
}

func newMatcher() *matcher {
	return &matcher{theirs: map[string]string{}, ours: map[string]string{}}
}

// check sends a recorded request and returns how the answer differs; "": not at all.
func (m *matcher) check(t *testing.T, k *Kong, x exchange) string {
	t.Helper()
	var body io.Reader
	media := ""
	switch {
	case x.Request.Raw != nil:
		body = strings.NewReader(*x.Request.Raw)
		switch {
		case strings.HasPrefix(*x.Request.Raw, "{"):
			media = "application/json"
		case strings.HasPrefix(*x.Request.Raw, "_"):
			media = "text/yaml"
		default:
			media = "application/x-www-form-urlencoded"
		}
	case x.Request.Body != nil:
		media = "application/json"
		var v any
		unmarshal(t, x.Request.Body, &v)
		text, err := json.Marshal(m.translate(v))
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	path := x.Request.Path
	for theirs, ours := range m.theirs {
		path = strings.ReplaceAll(path, theirs, ours)
	}
	req, err := http.NewRequest(x.Request.Method, k.AdminURL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	var got any
	if len(raw) > 0 {
		unmarshal(t, raw, &got)
	}
	m.learn(m.translate(x.Response.Body), got)
	diff := cmp.Diff(m.canon(x.Step, m.translate(x.Response.Body)), m.canon(x.Step, got))
	if resp.StatusCode != x.Response.Status {
		diff = fmt.Sprintf("status: Kong %d, ours %d\n", x.Response.Status, resp.StatusCode) + diff
	}
	for name, value := range x.Response.Headers {
		if resp.Header.Get(name) != value {
			diff += fmt.Sprintf("\nheader %s: Kong %q, ours %q", name, value, resp.Header.Get(name))
		}
	}
	return diff
}

// learn pairs the ids at the same places of both answers.
func (m *matcher) learn(want, got any) {
	switch want := want.(type) {
	case string:
		got, ok := got.(string)
		if ok && isUUID(want) && isUUID(got) && want != got && m.theirs[want] == "" && m.ours[got] == "" {
			m.theirs[want], m.ours[got] = got, want
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				m.learn(want[i], got[i])
			}
		}
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return
		}
		for name := range want {
			m.learn(want[name], got[name])
		}
		// Maps of entities by id ({"services": {"<id>": {…}}}): one entity of a kind stands for itself.
		if len(want) == 1 && len(got) == 1 {
			for theirs, w := range want {
				for ours, g := range got {
					m.learn(theirs, ours)
					m.learn(w, g)
				}
			}
		}
	}
}

// translate puts our ids in the place of theirs and fills in the certificate.
func (m *matcher) translate(v any) any {
	switch v := v.(type) {
	case string:
		if m.words != nil {
			v = m.words.Replace(v)
		}
		for theirs, ours := range m.theirs {
			v = strings.ReplaceAll(v, theirs, ours)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.translate(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			out[text(m.translate(name))] = m.translate(e)
		}
		return out
	}
	return v
}

var (
	mib    = regexp.MustCompile(`^[0-9.]+ MiB$`)
	hex64  = regexp.MustCompile(`^[0-9a-f]{32,64}$`)
	madeUp = regexp.MustCompile(`^[0-9A-Za-z]{32}$`)
)

// canon takes out what differs from run to run: times, made-up secrets, sizes and counts.
func (m *matcher) canon(step string, v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.canon(step, e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			switch {
			case name == "created_at" || name == "updated_at":
				_, isNumber := e.(float64)
				e = isNumber
			case name == "node_id" || name == "pid":
				e = name
			case name == "flattened_errors":
				e = sortErrors(e)
			case name == "config" && strings.Contains(fmt.Sprint(e), "_transform"):
				e = parseConfig(e)
			}
			if n, isNumber := e.(float64); isNumber && (strings.HasPrefix(name, "connections_") || name == "total_requests") {
				e = n > -1
			}
			out[name] = m.canon(step, e)
		}
		if step == "root" {
			out = rootOf(out)
		}
		return out
	case string:
		switch {
		case mib.MatchString(v):
			return "some MiB"
		case v == noHash:
			return v
		case hex64.MatchString(v), madeUp.MatchString(v):
			return fmt.Sprintf("%d characters", len(v))
		}
	}
	return v
}

// rootOf reduces GET / to what the recording keeps of it.
func rootOf(in map[string]any) map[string]any {
	if in["configuration"] == nil {
		return in
	}
	config, _ := in["configuration"].(map[string]any)
	out := map[string]any{"version": in["version"], "configuration.database": config["database"]}
	if config["database"] == string(Database) {
		out["configuration.router_flavor"] = config["router_flavor"]
		for _, name := range []string{"edition", "lua_version", "tagline"} {
			out[name] = in[name]
		}
	}
	return out
}

// sortErrors sorts flattened errors by type: Kong's order is that of a hash table.
func sortErrors(v any) any {
	l, ok := v.([]any)
	if !ok {
		return v
	}
	l = slices.Clone(l)
	slices.SortFunc(l, func(a, b any) int {
		one, _ := a.(map[string]any)
		other, _ := b.(map[string]any)
		return strings.Compare(text(one["entity_type"]), text(other["entity_type"]))
	})
	return l
}

// parseConfig reads the YAML of GET /config: the order of its keys is that of hash tables.
func parseConfig(v any) any {
	var out any
	if err := readYAML(text(v), &out); err != nil {
		return err.Error()
	}
	return out
}
