package kong

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/reconcilers"
)

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
			r := &Reconciler{client: clientOver(t, options("http://kong.test"), func(*http.Request) (*http.Response, error) {
				return reply(200, body()), nil
			})}
			if all, err := r.list(t.Context(), "/services", nil); err == nil {
				t.Errorf("taken for %d entities", len(all))
			}
		})
	}
}

// TestLongWordsAreCut: what answers at the Admin API's address does not fill
// status and logs with its words.
func TestLongWordsAreCut(t *testing.T) {
	o := options("http://kong.test")
	o.Attempts = 1
	o.Transport = wire(func(*http.Request) (*http.Response, error) {
		return reply(400, `{"message":"`+strings.Repeat("no\\u001b[31m\\n ", 1<<16)+`"}`), nil
	})
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err == nil || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("the error has %d bytes: %.200q", len(fmt.Sprint(err)), err)
	}
}
