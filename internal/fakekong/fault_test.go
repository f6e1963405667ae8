package fakekong

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFaults(t *testing.T) {
	const fine, failed = true, false
	for name, c := range map[string]struct {
		fault    Fault
		answered bool
		status   int
		stored   bool
	}{
		"a status":                {Fault{Status: 503, Body: "{}"}, fine, 503, false},
		"cut before":              {Fault{Cut: CutBefore}, failed, 0, false},
		"cut after":               {Fault{Cut: CutAfter}, failed, 0, true},
		"nothing but a delay":     {Fault{Delay: time.Microsecond}, fine, 201, true},
		"a delay and then a cut":  {Fault{Delay: time.Microsecond, Cut: CutAfter}, failed, 0, true},
		"the zero value: nothing": {Fault{}, fine, 201, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t, Options{})
			k.FailNext(Writing, c.fault)
			get(t, k.AdminURL+"/services") // not writing: the fault waits
			resp, err := http.Post(k.AdminURL+"/services", "application/json", strings.NewReader(`{"name":"a","host":"a.test"}`))
			status := 0
			if err == nil {
				if _, err = io.ReadAll(resp.Body); err == nil {
					status = resp.StatusCode
				}
				_ = resp.Body.Close()
			}
			if (err == nil) != c.answered || status != c.status {
				t.Errorf("status %d, error %v", status, err)
			}
			if stored := k.World() != ""; stored != c.stored {
				t.Errorf("stored: %v, world:\n%s", stored, k.World())
			}
			if code, _ := ask(t, k, "POST", "/services", object{"name": "b", "host": "b.test"}); code != 201 {
				t.Errorf("the next request: %d", code)
			}
		})
	}
}

func TestHookStands(t *testing.T) {
	k := start(t, Options{NoListen: true})
	k.Hook(func(r *http.Request) Fault {
		if r.Method == http.MethodDelete {
			return Fault{Status: 500}
		}
		return Fault{}
	})
	must(t, k, "POST", "/services", object{"name": "a", "host": "h"})
	for range 2 {
		if code, _ := ask(t, k, "DELETE", "/services/a", nil); code != 500 {
			t.Errorf("got %d with the hook", code)
		}
	}
	k.Hook(nil)
	must(t, k, "DELETE", "/services/a", nil)
	want := []Request{
		{"POST", "/services", 201, `{"host":"h","name":"a"}`}, {"DELETE", "/services/a", 500, ""},
		{"DELETE", "/services/a", 500, ""}, {"DELETE", "/services/a", 204, ""},
	}
	if diff := cmp.Diff(want, k.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if k.Writes() != 4 {
		t.Errorf("%d writes", k.Writes())
	}
	k.Forget()
	must(t, k, "GET", "/services", nil)
	if k.Writes() != 0 || len(k.Requests()) != 1 {
		t.Errorf("after Forget: %d writes, %v", k.Writes(), k.Requests())
	}
}

func TestHangEndsWithTheGateway(t *testing.T) {
	k := start(t, Options{})
	reached := make(chan struct{})
	k.Hook(func(*http.Request) Fault { close(reached); return Fault{Hang: true} })
	done := make(chan error)
	go func() {
		resp, err := http.Get(k.AdminURL + "/services")
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	<-reached
	k.Stop()
	if err := <-done; err == nil {
		t.Error("a request that hangs was answered")
	}
}

func TestDelayPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, Options{NoListen: true})
		k.FailNext(nil, Fault{Delay: time.Hour})
		begin := time.Now()
		must(t, k, "GET", "/services", nil)
		if took := time.Since(begin); took != time.Hour {
			t.Errorf("answered after %v", took)
		}
	})
}

func TestStopStartRestart(t *testing.T) {
	for _, mode := range []Mode{Database, DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, Options{Mode: mode})
			admin := k.AdminURL
			if mode == DBLess {
				push(t, k, object{"_format_version": "3.0", "services": []any{object{"name": "a", "host": "a.test"}}})
			} else {
				must(t, k, "POST", "/services", object{"name": "a", "host": "a.test"})
			}
			before := k.World()
			k.Stop()
			k.Stop()
			if resp, err := http.Get(admin + "/status"); err == nil {
				_ = resp.Body.Close()
				t.Error("answered while it was down")
			}
			for range 2 {
				if err := k.Start(); err != nil {
					t.Fatal(err)
				}
			}
			if code, _ := get(t, admin+"/services/a"); code != 200 || k.World() != before {
				t.Errorf("after Start: %d, world:\n%s", code, k.World())
			}
			if err := k.Restart(); err != nil {
				t.Fatal(err)
			}
			want := map[Mode]int{Database: 200, DBLess: 404}[mode]
			if code, _ := get(t, admin+"/services/a"); code != want {
				t.Errorf("after Restart: %d", code)
			}
			if _, body := get(t, admin+"/status"); mode == DBLess && !strings.Contains(body, noHash) {
				t.Errorf("a hash after Restart: %s", body)
			}
		})
	}
}

func TestCloseBeforeAndAfter(t *testing.T) {
	k, err := New(Options{NoListen: true})
	if err != nil {
		t.Fatal(err)
	}
	k.Close()
	k.Close()
	w := httptest.NewRecorder()
	k.AdminHandler().ServeHTTP(w, httptest.NewRequest("GET", "/status", nil))
	if w.Body.Len() > 0 {
		t.Errorf("answered after Close: %s", w.Body)
	}
	if _, err := New(Options{AdminAddr: "no such address"}); err == nil {
		t.Error("listens on no address")
	}
	if _, err := New(Options{Schemas: []byte("{")}); err == nil {
		t.Error("takes half a schema")
	}
}
