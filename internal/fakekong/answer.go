package fakekong

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// answer is one answer of the Admin API.
type answer struct {
	status int
	header http.Header // beside those that every answer has; may be nil
	body   any         // rendered as JSON; nil: none
	raw    []byte      // instead of body: as a real Kong said it
}

// object is a JSON object, for short.
type object = map[string]any

// bytes renders the body.
func (a answer) bytes() []byte {
	if a.body == nil {
		return a.raw
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		return []byte(`{"message":"An unexpected error occurred"}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// headers are those of the answer with a body of n bytes.
func (a answer) headers(n int) http.Header {
	h := http.Header{"Access-Control-Allow-Origin": {"*"}, "Server": {"kong/" + version}}
	if a.body != nil {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(n))
	}
	maps.Copy(h, a.header)
	return h
}

func ok(body any) *answer      { return &answer{status: http.StatusOK, body: body} }
func created(body any) *answer { return &answer{status: http.StatusCreated, body: body} }
func noContent() *answer       { return &answer{status: http.StatusNoContent} }

func say(status int, message string) *answer {
	return &answer{status: status, body: object{"message": message}}
}

func notFound() *answer { return say(http.StatusNotFound, "Not found") }

// failure is an error as Kong numbers them.
func failure(status, code int, name, message string, fields any) *answer {
	body := object{"code": code, "name": name, "message": message}
	if fields != nil {
		body["fields"] = fields
	}
	return &answer{status: status, body: body}
}

func schemaViolation(v schema.Violations) *answer {
	return failure(http.StatusBadRequest, 2, "schema violation", v.Message(), v)
}

func primaryKeyViolation(id string) *answer {
	fields := object{"id": id}
	return failure(http.StatusBadRequest, 3, "primary key violation",
		fmt.Sprintf("primary key violation on key '%s'", pretty(fields)), fields)
}

func danglingReference(field, to string, value any) *answer {
	return failure(http.StatusBadRequest, 4, "foreign key violation",
		fmt.Sprintf("the foreign key '%s' does not reference an existing '%s' entity.", pretty(value), to), object{field: value})
}

func stillReferenced(e *entity, by *kind) *answer {
	return failure(http.StatusBadRequest, 4, "foreign key violation",
		fmt.Sprintf("an existing '%s' entity references this '%s' entity", by.name, e.kind.name), object{"@referenced_by": by.name})
}

func usedByOthers(id string, by *entity) *answer {
	return failure(http.StatusBadRequest, 19, "referenced by others",
		fmt.Sprintf("ca certificate %s is still referenced by %s (id = %s)", id, by.kind.name, by.id()), nil)
}

func uniqueViolation(fields object) *answer {
	return failure(http.StatusConflict, 5, "unique constraint violation",
		fmt.Sprintf("UNIQUE violation detected on '%s'", pretty(fields)), fields)
}

func entityMissing(fields object) *answer {
	return failure(http.StatusNotFound, 6, "not found", fmt.Sprintf("could not find the entity with '%s'", pretty(fields)), fields)
}

func unsupported(message string) *answer {
	return failure(http.StatusMethodNotAllowed, 12, "operation unsupported", message+" when not using a database", nil)
}

// pretty writes a value as Kong's messages do: {name="a",service={id="…"}}.
func pretty(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return `"` + strings.ReplaceAll(v, `"`, `\"`) + `"`
	case schema.Violations:
		return pretty(map[string]any(v))
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			name := k
			if strings.ContainsAny(k, "@-. ") {
				name = `["` + k + `"]`
			}
			parts = append(parts, name+"="+pretty(v[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = pretty(e)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
