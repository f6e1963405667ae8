package cmd

import (
	"context"
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
		Status: func() status.Report { // 5, 5, 6, 6, …
			return status.Report{Revision: 5 + uint64(asked.Add(1)-1)/2}
		},
	}
	daemon := httptest.NewServer(server.New(readers))
	r := reach{listen: strings.TrimPrefix(daemon.URL, "http://")}
	var shown []uint64
	err := r.watch(t.Context(), func(report status.Report) error {
		shown = append(shown, report.Revision)
		if len(shown) == 3 {
			daemon.Close()
		}
		return nil
	})
	if err == nil {
		t.Error("a daemon that is gone is no error")
	}
	if diff := cmp.Diff([]uint64{5, 6, 7}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
