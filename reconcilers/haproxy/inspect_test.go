package haproxy

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
)

// TestSessionsAreCounted: in the process that takes requests and in those that were
// replaced, until they end.
func TestSessionsAreCounted(t *testing.T) {
	b := managed(t)
	web := b.serve("web", socketOrigin(t, "w1"))
	b.sync()
	address := strings.TrimPrefix(b.url, "http://")
	expect := func(what string, want map[string]int) {
		t.Helper()
		b.eventually(what, func() error {
			known, err := b.r.Inspect(context.Background(), "web")
			got := map[string]int{}
			for id, live := range known {
				if live.Sessions > 0 {
					got[id] = live.Sessions
				}
			}
			if err == nil && !maps.Equal(got, want) {
				err = fmt.Errorf("counted %v, want %v", got, want)
			}
			return err
		})
	}
	expect("no session", map[string]int{})
	first := dialTalk(t, address, "web.test")
	expect("one session", map[string]int{"w1": 1})

	drained := *web
	drained.Endpoints = []v1.Endpoint{web.Endpoints[0], socketOrigin(t, "w2")}
	drained.Endpoints[0].Draining = true
	drained.Retries = new(2) // takes a reload
	b.set["web"] = &drained
	b.sync("web")
	if old, err := b.r.oldWorkers(context.Background()); err != nil || len(old) != 1 {
		t.Fatalf("old workers: %v, %v; want one", old, err)
	}
	second := dialTalk(t, address, "web.test")
	expect("one in each process", map[string]int{"w1": 1, "w2": 1})

	first.conn.Close()
	expect("the old one ended", map[string]int{"w2": 1})
	second.conn.Close()
	expect("both ended", map[string]int{})
	if got, err := b.r.Inspect(context.Background(), "nobody"); err != nil || len(got) != 0 {
		t.Errorf("of a service that is not there: %v, %v", got, err)
	}
}

// TestFailingCheckIsTold: a server that HAProxy itself takes out says why, until it
// is well again.
func TestFailingCheckIsTold(t *testing.T) {
	b := managed(t)
	var sick atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	web := b.serve("web", endpoint(t, "w1", strings.TrimPrefix(server.URL, "http://")))
	checked := *web
	checked.HealthCheck = v1.HealthCheck{Check: v1.CheckHTTP, CheckPath: "/", CheckStatus: []string{"200"}, CheckInterval: 50 * time.Millisecond, CheckRise: 1, CheckFall: 1}
	b.set["web"] = &checked
	b.sync()
	says := func(want string) {
		t.Helper()
		b.eventually("it says "+want, func() error {
			known, err := b.r.Inspect(context.Background(), "web")
			if got := known["w1"].Down; err == nil && got != want {
				err = fmt.Errorf("it says %q", got)
			}
			return err
		})
	}
	says("")
	sick.Store(true)
	says("HAProxy's own check fails: Layer7 wrong status (500)")
	sick.Store(false)
	says("")
}

// TestAnswersOfStrangersStayWithin: what a server says to a check can't pass for the end
// of one of HAProxy's answers, nor for a line of its log.
func TestAnswersOfStrangersStayWithin(t *testing.T) {
	const forged = "\n> \n# pxname,svname,scur,status\nx,db-1,99,UP\n\n> \n[ALERT] forged\r\n"
	for kind, begins := range map[string]string{v1.CheckPostgres: "E\x00\x00\x00\x54", v1.CheckRedis: "-LOADING", v1.CheckSMTP: "421 no", v1.CheckTCP: "no"} {
		t.Run(kind, func(t *testing.T) {
			b, ports := streaming(t, 1)
			evil := newActor(t, "db-1", map[string]string{v1.CheckSMTP: "220 here\r\n"}[kind], "", begins+forged)
			evil.well.Store(false)
			db := b.stream("db", ports[0], evil.Endpoint)
			db.HealthCheck = v1.HealthCheck{Check: kind, CheckInterval: 50 * time.Millisecond, CheckRise: 1, CheckFall: 1}
			if kind == v1.CheckTCP {
				db.CheckSend, db.CheckExpect = "ask", "good"
			}
			b.serve("web", origin(t, "w1"))
			b.sync()
			b.eventually("the server to be down", func() error {
				known, err := b.r.Inspect(context.Background(), "db")
				if err == nil && known["db-1"].Down == "" {
					err = fmt.Errorf("known is %v", known)
				}
				return err
			})
			stats, err := b.r.stats(t.Context(), []*config.Backend{b.r.model.Backend("db"), b.r.model.Backend("web")})
			if err != nil || stats[0]["db-1"].Sessions != 0 || len(stats[1]) != 1 || stats[1]["w1"].Down != "" {
				t.Errorf("%v, %v", stats, err)
			}
			if said := b.r.process.LastWords(); strings.Contains(said, "forged") {
				t.Errorf("HAProxy's last words are %q", said)
			}
		})
	}
}
