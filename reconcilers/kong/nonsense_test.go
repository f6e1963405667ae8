package kong

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/internal/wire"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestLongWordsAreCut: what answers at the Admin API's address does not fill
// status and logs with its words.
func TestLongWordsAreCut(t *testing.T) {
	o := options("http://kong.test")
	o.Attempts = 1
	o.Transport = wire.Func(func(*http.Request) (*http.Response, error) {
		return wire.Reply(400, `{"message":"`+strings.Repeat("no\\u001b[31m\\n ", 1<<16)+`"}`), nil
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
