package fakekong

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// pageSize is how many entities a page has unless asked for otherwise.
const pageSize = 100

// page answers a listing: the part of the rows that the query asks for. path is
// that of the listing, for the link to the next page. offset says where a row's
// page begins, and after finds the first row of such a page.
func (k *Kong) page(rows []*entity, path string, q url.Values) *answer {
	if a := k.filterTags(&rows, q); a != nil {
		return a
	}
	size, bad := sizeOf(q)
	if bad != nil {
		return bad
	}
	start := 0
	if offset := q.Get("offset"); offset != "" {
		id, bad := decodeOffset(offset)
		if bad != nil {
			return bad
		}
		start, _ = slices.BinarySearchFunc(rows, id, func(e *entity, id string) int { return strings.Compare(e.id(), id) })
	}
	rows = rows[min(start, len(rows)):]
	out := object{"next": nil}
	if len(rows) > size {
		offset := encodeOffset(rows[size-1].id())
		next := url.Values{"offset": {offset}}
		for _, name := range []string{"size", "tags"} {
			if q.Has(name) {
				next.Set(name, q.Get(name))
			}
		}
		out["offset"], out["next"] = offset, path+"?"+next.Encode()
		rows = rows[:size]
	}
	out["data"] = k.views(rows)
	return ok(out)
}

// pageTargets answers a listing of targets, whose offsets are plain numbers.
func (k *Kong) pageTargets(rows []*entity, path string, q url.Values) *answer {
	size, bad := sizeOf(q)
	if bad != nil {
		return bad
	}
	start := 0
	if offset := q.Get("offset"); offset != "" {
		n, err := strconv.Atoi(offset)
		if err != nil || n < 0 {
			return invalidOffset(offset, "bad offset")
		}
		start = n
	}
	rows = rows[min(start, len(rows)):]
	out := object{"next": nil}
	if len(rows) > size {
		offset := strconv.Itoa(start + size)
		out["offset"], out["next"] = offset, path+"?offset="+offset
		rows = rows[:size]
	}
	out["data"] = k.views(rows)
	return ok(out)
}

// views renders rows; never nil.
func (k *Kong) views(rows []*entity) []any {
	out := make([]any, len(rows))
	for i, e := range rows {
		out[i] = k.view(e)
	}
	return out
}

// filterTags keeps the rows that have all tags of "a,b", or one of "a/b".
func (k *Kong) filterTags(rows *[]*entity, q url.Values) *answer {
	if !q.Has("tags") {
		return nil
	}
	want := q.Get("tags")
	if strings.Contains(want, ",") && strings.Contains(want, "/") || want == "" {
		return &answer{status: http.StatusBadRequest, body: object{
			"code": 11, "name": "invalid options", "message": "invalid option (tags: invalid filter syntax)",
			"options": object{"tags": "invalid filter syntax"}}}
	}
	if k.mode == DBLess && k.anyUntagged() {
		return say(http.StatusInternalServerError, "An unexpected error occurred")
	}
	tags, all := strings.Split(want, "/"), false
	if strings.Contains(want, ",") {
		tags, all = strings.Split(want, ","), true
	}
	*rows = slices.DeleteFunc(slices.Clone(*rows), func(e *entity) bool {
		has, _ := e.fields["tags"].([]any)
		n := 0
		for _, t := range tags {
			if slices.Contains(has, any(t)) {
				n++
			}
		}
		return n == 0 || all && n < len(tags)
	})
	return nil
}

// anyUntagged reports whether some entity has no tags, on which Kong's filter fails without a database.
func (k *Kong) anyUntagged() bool {
	for _, kd := range kinds {
		for _, e := range k.store.rows[kd.name] {
			if e.fields["tags"] == nil {
				return true
			}
		}
	}
	return false
}

func sizeOf(q url.Values) (int, *answer) {
	if !q.Has("size") {
		return pageSize, nil
	}
	n, err := strconv.Atoi(q.Get("size"))
	if err != nil || n < 1 || n > 1000 {
		return 0, failure(http.StatusBadRequest, 9, "invalid size", "size must be an integer between 1 and 1000", nil)
	}
	return n, nil
}

// encodeOffset names the row that the next page begins after.
func encodeOffset(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`["` + id + `"]`))
}

// decodeOffset returns what the rows of the page come after: the id with a zero byte.
func decodeOffset(offset string) (string, *answer) {
	var ids []string
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(offset, "="))
	if err != nil || json.Unmarshal(raw, &ids) != nil || len(ids) != 1 {
		return "", invalidOffset(offset, "bad json encoding")
	}
	return ids[0] + "\x00", nil
}

func invalidOffset(offset, why string) *answer {
	return failure(http.StatusBadRequest, 7, "invalid offset", fmt.Sprintf("'%s' is not a valid offset: %s", offset, why), nil)
}

func isUUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

func compare(a, b string) int { return strings.Compare(a, b) }

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
