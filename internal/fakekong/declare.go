package fakekong

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// noHash is the hash of a node that holds nothing.
const noHash = "00000000000000000000000000000000"

// config answers /config: the whole configuration, of a Kong without a database.
func (k *Kong) config(c *call) *answer {
	if k.mode != DBLess {
		return say(http.StatusBadRequest, "this endpoint is only available when Kong is configured to not use a database")
	}
	switch c.method {
	case http.MethodGet, http.MethodHead:
		return k.dump()
	case http.MethodPost:
		return k.load(c)
	}
	return c.other("GET, HEAD, OPTIONS, POST")
}

// load replaces everything by the configuration in the body, or nothing if it has a mistake.
func (k *Kong) load(c *call) *answer {
	doc, hash, isText, bad := readConfig(c)
	if bad != nil {
		return bad
	}
	if isText && c.query.Get("check_hash") == "1" && hash == k.hash {
		return &answer{status: http.StatusNotModified}
	}
	d := &declaration{k: k, byID: map[string]*item{}, bad: map[string]any{}}
	if !d.read(doc) {
		return d.refusal(c.query.Get("flatten_errors") == "1")
	}
	k.store, k.hash = d.store, hash
	if len(d.items) == 0 {
		k.hash = noHash
	}
	clear(k.unhealthy)
	k.balancers.reset()
	k.routing.set(k.routes)
	k.plugins.set(k.terminations)
	out := object{}
	for _, i := range d.items {
		rows, _ := out[i.kind.name].(object)
		if rows == nil {
			rows = object{}
			out[i.kind.name] = rows
		}
		rows[text(i.fields["id"])] = plain(i.fields)
	}
	return created(out)
}

// plain is an entity as the answers of /config show it.
func plain(fields map[string]any) map[string]any {
	out := object{}
	for name, v := range fields {
		if name != "ttl" {
			out[name] = v
		}
	}
	return out
}

// readConfig takes the configuration out of a body: JSON, YAML, or either as text
// in the field "config". Its hash tells apart whether it came as text.
func readConfig(c *call) (doc map[string]any, hash string, isText bool, bad *answer) {
	source := string(c.raw)
	switch c.media {
	case "application/json":
		if err := json.Unmarshal(c.raw, &doc); err != nil {
			return nil, "", false, say(http.StatusBadRequest, "Cannot parse JSON body")
		}
		inner, hasText := doc["config"].(string)
		if !hasText {
			canonical, err := json.Marshal(doc)
			if err != nil {
				return nil, "", false, say(http.StatusBadRequest, "Cannot parse JSON body")
			}
			return doc, sum("table " + string(canonical)), false, nil
		}
		source = inner
	case "application/x-www-form-urlencoded":
		if form, err := url.ParseQuery(source); err == nil && form.Has("config") {
			source = form.Get("config")
		}
	}
	if strings.TrimSpace(source) == "" {
		return nil, "", false, say(http.StatusBadRequest, "expected a declarative configuration")
	}
	doc = nil
	if err := readYAML(source, &doc); err != nil || doc == nil {
		return nil, "", false, invalidConfig(object{"error": "failed parsing declarative configuration: " + yamlMistake(source, err)}, nil)
	}
	return doc, sum(source), true, nil
}

// readYAML reads YAML as if it were the JSON that it stands for.
func readYAML(source string, into any) error {
	var v any
	if err := yaml.Unmarshal([]byte(source), &v); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("line 1: %w", err)
	}
	return json.Unmarshal(text, into)
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlMistake words a mistake as Kong's parser does. The column is that of the end of the line.
func yamlMistake(source string, err error) string {
	if err == nil {
		return "expected an object"
	}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error()
	}
	lines := strings.Split(source, "\n")
	n := 0
	_, _ = fmt.Sscan(m[1], &n)
	column := len(lines[max(0, min(n, len(lines))-1)])
	return fmt.Sprintf("%d:%d: %s", n, column, m[2])
}

// invalidConfig is the refusal of a configuration.
func invalidConfig(fields any, flattened any) *answer {
	body := object{
		"code": 14, "name": "invalid declarative configuration", "fields": fields,
		"message": "declarative config is invalid: " + pretty(fields),
	}
	if flattened != nil {
		body["flattened_errors"] = flattened
	}
	return &answer{status: http.StatusBadRequest, body: body}
}

// dump answers GET /config: all that is held, as YAML within JSON.
func (k *Kong) dump() *answer {
	doc := object{"_format_version": "3.0", "_transform": false}
	for _, kd := range kinds {
		var rows []any
		refs := k.lib.foreign(kd)
		for _, e := range k.store.list(kd) {
			row := plain(k.view(e))
			delete(row, "snis")
			if kd.joins {
				delete(row, "id")
			}
			if kd.name == "routes" {
				row["snis"] = e.fields["snis"]
			}
			for name := range refs {
				if id := e.ref(name); id != "" {
					row[name] = id
				}
			}
			rows = append(rows, row)
		}
		if rows != nil {
			doc[kd.name] = rows
		}
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		return say(http.StatusInternalServerError, "An unexpected error occurred")
	}
	return ok(object{"config": string(out)})
}

// refusal answers a configuration with mistakes.
func (d *declaration) refusal(flatten bool) *answer {
	if !flatten || len(d.top) > 0 {
		return invalidConfig(d.fields(), nil)
	}
	var list any = object{}
	if flat := d.flat(); len(flat) > 0 {
		list = slices.Clip(flat)
	}
	return invalidConfig(object{}, list)
}
