package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/internal/wire"
)

func TestPages(t *testing.T) {
	var queries []string
	c := clientOver(t, Options{Workspace: "team"}, func(r *http.Request) (*http.Response, error) {
		queries = append(queries, r.URL.Path+"?"+r.URL.RawQuery)
		if r.URL.Query().Get("offset") == "" {
			return wire.Reply(200, `{"data":[{"id":"7b0d6a0f-5c2e-4a58-9d3c-1f7b5a0c9e11"}],"offset":"abc=","next":"/services?offset=abc%3D"}`), nil
		}
		return wire.Reply(200, `{"data":[{"id":"7b0d6a0f-5c2e-4a58-9d3c-1f7b5a0c9e12"}],"next":null}`), nil
	})
	bodies, err := c.List(t.Context(), "/services", nil)
	if err != nil || len(bodies) != 2 {
		t.Fatalf("got %v, %v", bodies, err)
	}
	want := "/team/services?size=1000 /team/services?offset=abc%3D&size=1000"
	if got := strings.Join(queries, " "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// TestNonsenseIsAnError: a list that can't be believed is no list, and nothing
// is concluded from it.
func TestNonsenseIsAnError(t *testing.T) {
	pages := 0
	const id = "7b0d6a0f-5c2e-4a58-9d3c-1f7b5a0c9e11"
	for name, body := range map[string]func() string{
		"the same page again and again": func() string { return `{"data":[],"offset":"abc"}` },
		"no end":                        func() string { pages++; return fmt.Sprintf(`{"data":[],"offset":"%d"}`, pages) },
		"no data":                       func() string { return `{}` },
		"null":                          func() string { return `null` },
		"a list":                        func() string { return `[]` },
		"half an answer":                func() string { return `{"data":[{"id":"` + id + `"` },
		"no object":                     func() string { return `{"data":[7]}` },
		"no id":                         func() string { return `{"data":[{"name":"web"}]}` },
		"an id that leads elsewhere":    func() string { return `{"data":[{"id":"../consumers/x"}]}` },
	} {
		t.Run(name, func(t *testing.T) {
			c := clientOver(t, Options{}, func(*http.Request) (*http.Response, error) {
				return wire.Reply(200, body()), nil
			})
			if all, err := c.List(t.Context(), "/services", nil); err == nil {
				t.Errorf("taken for %d entities", len(all))
			}
		})
	}
}
