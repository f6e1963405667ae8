package schema

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/contract"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// described returns where the recorded answers of a real Kong are, and its descriptions.
func described(t *testing.T) (dir string, entities, plugins map[string]json.RawMessage) {
	t.Helper()
	path := contract.Find(t, "schemas.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Entities, Plugins map[string]json.RawMessage }
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path), recorded.Entities, recorded.Plugins
}

// recorded is what a real Kong said of its plugins.
func recorded(t *testing.T) (dir string, c *Catalog) {
	t.Helper()
	dir, entities, plugins := described(t)
	row := entity.RowOf(entity.Table(), v1.KindPlugin)
	all, err := parse(row, entities["plugins"])
	if err != nil {
		t.Fatal(err)
	}
	c = &Catalog{Plugins: map[string]*Schema{}}
	for name, text := range plugins {
		own, err := parse(row, text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.Plugins[name] = all.extended(own)
	}
	return dir, c
}

// TestPluginsOfRealKong: a plugin as a real Kong answers it differs in nothing
// from how it was asked for, whatever Kong filled in.
func TestPluginsOfRealKong(t *testing.T) {
	dir, f := recorded(t)
	exchanges, err := os.ReadFile(filepath.Join(dir, "db.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	row, compared := entity.RowOf(entity.Table(), v1.KindPlugin), 0
	for line := range strings.Lines(string(exchanges)) {
		body, err := jsonvalue.Object([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		request, _ := body["request"].(map[string]any)
		response, _ := body["response"].(map[string]any)
		asked, _ := request["body"].(map[string]any)
		made, _ := response["body"].(map[string]any)
		path, _ := request["path"].(string)
		if request["method"] != http.MethodPost || !strings.HasSuffix(path, "/plugins") || asked["name"] == nil || made["id"] == nil {
			continue
		}
		fields := func(body map[string]any) map[string]any {
			rec := &entity.Record{Row: row, Body: body, ID: "x"}
			return f.Configured(rec, f.Of(rec).Others(body), secret.Veil{ID: rec.ID})
		}
		want, got := fields(asked), fields(made)
		delete(got, "consumer") // asked for by the path
		delete(want, "consumer")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-asked +answered):\n%s", body["step"], diff)
		}
		compared++
	}
	if compared < 4 {
		t.Errorf("only %d plugins were compared", compared)
	}
}

// TestSecretsOfRealKong: every field that a real Kong marks stands as a digest.
func TestSecretsOfRealKong(t *testing.T) {
	_, f := recorded(t)
	for name, config := range map[string]string{
		"rate-limiting":     `{"redis":{"password":"planted","username":"planted"}}`,
		"session":           `{"secret":"planted"}`,
		"http-log":          `{"http_endpoint":"planted","headers":{"A":"planted"}}`,
		"oauth2":            `{"provision_key":"planted"}`,
		"ai-proxy":          `{"auth":{"header_value":"planted","aws_secret_access_key":"planted"}}`,
		"acme":              `{"storage_config":{"vault":{"token":"planted"}}}`,
		"opentelemetry":     `{"headers":{"A":"planted"},"traces_endpoint":"planted"}`,
		"standard-webhooks": `{"secret_v1":"planted"}`,
	} {
		body, err := jsonvalue.Object([]byte(`{"name":"` + name + `","config":` + config + `}`))
		if err != nil {
			t.Fatal(err)
		}
		rec := &entity.Record{Row: entity.RowOf(entity.Table(), v1.KindPlugin), Body: body, ID: "x"}
		shown := f.Configured(rec, nil, secret.Veil{ID: rec.ID})
		text, err := json.Marshal(shown)
		if err != nil || strings.Contains(string(text), "planted") {
			t.Errorf("%s shows %s, %v", name, text, err)
		}
		if secret.Without(f.Of(rec).Secrets(rec), "it is planted") != "it is (secret)" {
			t.Errorf("%s: the secret stays in Kong's words", name)
		}
		config, _ := body["config"].(map[string]any)
		if mark := f.Plugins[name].Own(config, secret.Veil{ID: "x"}); (mark != "") != (name == "session" || name == "oauth2") || len(shown) == 0 && mark == "" {
			t.Errorf("%s: a change of the secret goes unnoticed: %v, %q", name, shown, mark)
		}
	}
}

// TestTextBecomesWhatRealKongWants converts text by a real Kong's schemas.
func TestTextBecomesWhatRealKongWants(t *testing.T) {
	_, f := recorded(t)
	for _, c := range []struct{ plugin, path, text, want string }{
		{"rate-limiting", "minute", "60", `{"minute":60}`},
		{"rate-limiting", "redis.port", "6380", `{"redis":{"port":6380}}`},
		{"key-auth", "key_names", "a, b", `{"key_names":["a","b"]}`},
		{"key-auth", "key_names", `["a,b"]`, `{"key_names":["a,b"]}`},
		{"cors", "credentials", "true", `{"credentials":true}`},
		{"request-transformer", "add.headers", "X-A:1,X-B:2", `{"add":{"headers":["X-A:1","X-B:2"]}}`},
		{"response-ratelimiting", "limits.sms.minute", "10", `{"limits":{"sms":{"minute":10}}}`},
		{"response-ratelimiting", "limits", `{"sms":{"minute":10}}`, `{"limits":{"sms":{"minute":10}}}`},
		{"response-ratelimiting", "limits.sms.minut", "10", `unknown field "minut"`},
		{"response-ratelimiting", "limits", `{"sms":{"minute":"x"}}`, `sms: minute: expected a number`},
		{"http-log", "headers.X-Token", "a", `{"headers":{"X-Token":"a"}}`},
		{"opentelemetry", "resource_attributes.service.name", "web", `{"resource_attributes":{"service.name":"web"}}`},
		{"session", "cookie_same_site", "lax", `expected one of: Strict, Lax, None, Default`},
		{"proxy-cache", "response_code", "200,404", `{"response_code":[200,404]}`},
		{"proxy-cache", "response_code", "200,x", `expected an integer`},
		{"request-termination", "status_code", "99", `value should be between 100 and 599`},
		{"ip-restriction", "allow", "10.0.0.0/8", `{"allow":["10.0.0.0/8"]}`},
		{"cors", "max_age", "1m", `expected a number`},
	} {
		config := map[string]any{}
		got := ""
		if wrong := f.Plugins[c.plugin].Place(config, c.path, c.text); wrong != nil {
			got = wrong.Message
		} else if text, err := json.Marshal(config); err != nil {
			t.Fatal(err)
		} else {
			got = string(text)
		}
		if got != c.want {
			t.Errorf("%s.%s=%s becomes %s, want %s", c.plugin, c.path, c.text, got, c.want)
		}
	}
}

// TestDefaultsOfRealKong: an entity as a real Kong answers it, made of nothing
// but what is required, differs in no field from Kong's defaults.
func TestDefaultsOfRealKong(t *testing.T) {
	dir, entities, _ := described(t)
	exchanges, err := os.ReadFile(filepath.Join(dir, "db.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	compared := map[string]int{}
	for line := range strings.Lines(string(exchanges)) {
		var x struct {
			Request struct {
				Method, Path string
				Body         map[string]any
			}
			Response struct {
				Status int
				Body   json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		if x.Response.Status != http.StatusCreated && (x.Request.Method != http.MethodPut || x.Response.Status != http.StatusOK) {
			continue
		}
		for _, row := range entity.Table() {
			if row.Path == "" || !strings.HasSuffix(x.Request.Path, "/"+row.Last()) && !strings.HasPrefix(x.Request.Path, "/"+row.Path+"/9999") || x.Request.Body == nil || x.Request.Body["url"] != nil || x.Request.Body["healthchecks"] != nil {
				continue
			}
			s, err := parse(row, entities[row.Section])
			if err != nil {
				t.Fatal(err)
			}
			body, err := jsonvalue.Object(x.Response.Body)
			if err != nil {
				t.Fatal(err)
			}
			others := s.Others(body)
			if services := []string{"upstreams", "targets", "services", "routes", "plugins"}; !slices.Contains(services, row.Section) {
				others = map[string]any{}
				f := Catalog{Kinds: map[v1.Kind]*Schema{row.Kind: s}}
				for name, value := range f.Declared(&entity.Record{Row: row, Key: "k", Body: body, Declared: true}, nil).Fields {
					name, _, _ = strings.Cut(name, ".")
					others[name] = value
				}
			}
			for name, value := range others {
				if _, asked := x.Request.Body[name]; !asked {
					t.Errorf("%s %v: %s is %v, which is said to be no default", row.Kind, x.Request.Body, name, value)
				}
			}
			compared[row.Section]++
		}
	}
	unrecorded := []string{"key_sets", "keys", "consumer_groups", "consumer_group_consumers", "oauth2_credentials"}
	for _, row := range entity.Table() {
		if (compared[row.Section] == 0) != slices.Contains(unrecorded, row.Section) {
			t.Errorf("recorded %s were compared: %d", row.Section, compared[row.Section])
		}
	}
	t.Log(compared)
}

// TestSortsOfRealKong: what is known of fields without asking Kong is what a real one says, of
// each kind that has the field, and all of it that is neither a reference nor in some only.
func TestSortsOfRealKong(t *testing.T) {
	_, entities, _ := described(t)
	sorts := map[string]v1.Sort{
		"string": v1.SortText, "integer": v1.SortInteger, "boolean": v1.SortBoolean, "array": v1.SortList, "set": v1.SortList, "map": v1.SortMap, "record": v1.SortMap,
	}
	compared := 0
	for _, kind := range v1.EntityKinds() {
		described := map[string]v1.Sort{}
		if text := entities[kind.Section]; text != nil {
			s, err := parse(&entity.Row{}, text)
			if err != nil {
				t.Fatal(err)
			}
			for i := range s.fields {
				described[s.fields[i].name] = sorts[s.fields[i].kind]
			}
		}
		for _, field := range kind.Fields {
			if want, has := described[field]; has {
				compared++
				if got := v1.SortOf(field); got != want {
					t.Errorf("%s of %s is taken for %q, and Kong says %q", field, kind.Kind, got, want)
				}
			} else if len(described) > 0 && v1.SortOf(field) != "" {
				t.Errorf("%s of %s is said to be of the sort %s, and Kong does not say so", field, kind.Kind, v1.SortOf(field))
			}
		}
	}
	if compared < 80 {
		t.Errorf("%d fields were compared", compared)
	}
}
