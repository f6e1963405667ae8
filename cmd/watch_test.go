package cmd

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/server"
	"github.com/lockstep/lockstep/controller/status"
)

// TestWatch: each report is shown once, and the end of the daemon ends it.
func TestWatch(t *testing.T) {
	var asked atomic.Int64
	readers := server.Readers{
		Metrics: http.NotFoundHandler(),
		Await:   func(context.Context, uint64) {},
		Status: func() status.Report { // a, a, b, b, …
			n := uint64(asked.Add(1) - 1) //nolint:gosec // small
			return status.Report{Revision: n, Owner: string(rune('a' + n/2))}
		},
	}
	daemon := httptest.NewServer(server.New(readers))
	r := reach{listen: strings.TrimPrefix(daemon.URL, "http://")}
	var shown []string
	err := r.watch(t.Context(), func(report status.Report) error {
		shown = append(shown, fmt.Sprint(report.Owner, report.Revision))
		if len(shown) == 3 {
			daemon.Close()
		}
		return nil
	})
	if err == nil {
		t.Error("a daemon that is gone is no error")
	}
	if diff := cmp.Diff([]string{"a0", "b2", "c4"}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
