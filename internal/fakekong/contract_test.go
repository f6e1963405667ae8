package fakekong

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// The contract is what a real Kong answered, recorded. It lies beside the
// repository; KONG_CONTRACT_DIR names another place.

// exchange is one recorded request with its answer.
type exchange struct {
	Step    string
	Request struct {
		Method, Path string
		Body         json.RawMessage
		Raw          *string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    any
	}
}

// exceptions are the steps that this Kong answers differently, each with the reason.
// A step that agrees after all fails the test, so that the list stays true.
var exceptions = map[string]string{}

func TestContractWithDatabase(t *testing.T) {
	replay(t, "db.jsonl", Database)
}

func TestContractWithoutDatabase(t *testing.T) {
	replay(t, "dbless.jsonl", DBLess)
}

// replay sends every recorded request in order, once with the package's own schemas
// and once with all of the real Kong's.
func replay(t *testing.T, file string, mode Mode) {
	for name, schemas := range map[string][]byte{"own schemas": nil, "Kong's schemas": contractFile(t, "schemas.json")} {
		t.Run(name, func(t *testing.T) {
			k := start(t, Options{Mode: mode, Schemas: schemas})
			ids := &idQueue{}
			k.newID = ids.next
			same := newMatcher()
			cert, key := pair(t)
			same.words = strings.NewReplacer("{CERT_PEM}", cert, "{KEY_PEM}", key)
			passed := 0
			for _, x := range exchanges[exchange](t, file) {
				ids.expect(x)
				diff := same.check(t, k, x)
				reason, excepted := exceptions[mode.String()+": "+x.Step]
				switch {
				case excepted && diff == "":
					t.Errorf("%s: agrees with Kong now: take it off the exceptions", x.Step)
				case excepted:
					t.Logf("%s: excepted: %s", x.Step, reason)
				case diff != "":
					t.Errorf("%s: %s %s (-Kong +ours):\n%s", x.Step, x.Request.Method, x.Request.Path, diff)
				default:
					passed++
				}
			}
			t.Logf("%d exchanges agree", passed)
		})
	}
}

// String makes the mode a prefix for the exceptions.
func (m Mode) String() string { return string(m) }

// idQueue hands out the ids that the real Kong made up, so that orders and links agree too.
type idQueue struct{ ids []string }

func (q *idQueue) next() string {
	if len(q.ids) == 0 {
		return uuid.NewString()
	}
	id := q.ids[0]
	q.ids = q.ids[1:]
	return id
}

// expect reads the id of an entity that the exchange makes.
func (q *idQueue) expect(x exchange) {
	q.ids = nil
	body, _ := x.Response.Body.(map[string]any)
	if id, ok := body["id"].(string); ok && x.Request.Method != http.MethodGet {
		q.ids = []string{id}
	}
}

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
			out[m.translate(name).(string)] = m.translate(e)
		}
		return out
	}
	return v
}

var (
	dotted = regexp.MustCompile(`^configuration\.`)
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
			case step == "root":
			default:
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
		return strings.Compare(fmt.Sprint(a.(map[string]any)["entity_type"]), fmt.Sprint(b.(map[string]any)["entity_type"]))
	})
	return l
}

// parseConfig reads the YAML of GET /config: the order of its keys is that of hash tables.
func parseConfig(v any) any {
	var out any
	if err := readYAML(v.(string), &out); err != nil {
		return err.Error()
	}
	return out
}

// contractDir finds the contract, or skips the test.
func contractDir(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("KONG_CONTRACT_DIR"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "kong-contract")
	if !exists(dir) {
		t.Skip("no recorded answers of a real Kong beside the repository (KONG_CONTRACT_DIR names their folder): nothing to compare with")
	}
	return dir
}

func contractFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(contractDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// exchanges reads a file of one JSON object a line.
func exchanges[T any](t *testing.T, name string) []T {
	t.Helper()
	var out []T
	lines := bufio.NewScanner(bytes.NewReader(contractFile(t, name)))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var x T
		unmarshal(t, lines.Bytes(), &x)
		out = append(out, x)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func unmarshal(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in %.200s", err, data)
	}
}

var _ = maps.Keys[map[string]any]
var _ = dotted
