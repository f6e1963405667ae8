package haproxy

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestSpareOfAKilledDaemon: what a daemon began and did not write down is
// found, removed, and not built upon.
func TestSpareOfAKilledDaemon(t *testing.T) {
	b := managed(t)
	b.needSpares()
	one := origin(t, "one")
	b.plain("first", one)
	b.sync()
	b.plain("new", one)
	b.r.fault = func(step string) error {
		if strings.HasPrefix(step, "stage ") {
			return errors.New("killed")
		}
		return nil
	}
	if failed, err := b.try(reconcilers.Scope{}); err == nil || len(failed) > 0 {
		t.Fatalf("%v %v", failed, err)
	}
	b.want("new.test", "/", 200, "one")
	had := b.liveName("new")
	b.restart()
	b.sync()
	b.settled()
	b.want("new.test", "/", 200, "one")
	if name := b.liveName("new"); name == had || !config.IsSpare(name) || b.reloads() != 0 {
		t.Fatalf("new has %s and had %s, %d reloads", name, had, b.reloads())
	}
	if used := b.r.model.Backend(had); used == nil || !used.Retired || len(used.Servers) > 0 {
		t.Fatalf("%s may be taken: %+v", had, used)
	}
	b.restart()
	b.quiet("another restart")
}

// TestSpareThroughAFailedLoad: while HAProxy can't load the files, services
// with a prepared backend go on as all others do.
func TestSpareThroughAFailedLoad(t *testing.T) {
	b := managed(t)
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("first", one)
	b.sync()
	b.plain("new", one)
	b.sync()
	b.r.fault = func(step string) error {
		if step == "load" {
			return errors.New("can't load")
		}
		return nil
	}
	b.serve("own", one) // timeouts of its own
	if failed, err := b.try(reconcilers.Scope{}); err != nil || len(failed) == 0 {
		t.Fatalf("%v %v", failed, err)
	}
	b.plain("new", two)
	failed, err := b.try(reconcilers.Scope{Services: []string{"new"}})
	if err != nil || len(failed) > 0 {
		t.Fatalf("%v %v", failed, err)
	}
	b.want("new.test", "/", 200, "two")
	b.r.fault = nil
	b.sync()
	b.want("new.test", "/", 200, "two")
	b.want("own.test", "/", 200, "one")
	b.quiet("the load")
}

func TestEditedSpareIsNoticed(t *testing.T) {
	for name, edit := range map[string]*strings.Replacer{
		"nobody's":        strings.NewReplacer(" # service new", ""),
		"somebody else's": strings.NewReplacer(" # service new", " # service other"),
		"renamed":         strings.NewReplacer("backend lockstep::spare00007 from", "backend lockstep::spare09999 from"),
		"line changed":    strings.NewReplacer(" # service new\n  balance roundrobin\n", " # service new\n  balance leastconn\n"),
	} {
		t.Run(name, func(t *testing.T) {
			b := managed(t)
			b.needSpares()
			b.plain("first", origin(t, "one"))
			b.sync()
			b.plain("new", origin(t, "two"))
			b.sync()
			config := b.r.dir.File(config.File(b.liveName("new")))
			before, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			after := edit.Replace(string(before))
			if after == string(before) {
				t.Fatal("nothing was edited")
			}
			if err := os.WriteFile(config, []byte(after), 0o644); err != nil { //nolint:gosec // as HAProxy reads it
				t.Fatal(err)
			}
			b.restart()
			if b.plan(reconcilers.Scope{Fresh: true}).Empty() {
				t.Fatal("not noticed")
			}
			b.sync()
			b.want("new.test", "/", 200, "two")
			b.quiet("the repair")
		})
	}
}

// TestSparesUnderChurn: services come and go faster than there are prepared
// backends, or as HAProxy adds and deletes them, under load, and nobody is ever answered by another's container.
func TestSparesUnderChurn(t *testing.T) {
	b := managed(t)
	b.options.Spares, b.options.ReloadEvery = 4, time.Nanosecond
	b.open()
	b.plain("first", origin(t, "first"))
	b.sync()
	clients := b.load(4, http.MethodGet, "first.test")
	const services = 30
	for i := range services {
		name := fmt.Sprintf("n%02d", i)
		b.plain(name, origin(t, name))
		b.sync(name)
		b.want(name+".test", "/", 200, name+" path=/")
		if i >= 2 {
			gone := fmt.Sprintf("n%02d", i-2)
			delete(b.set, gone)
			b.sync(gone)
			b.want(gone+".test", "/", 404, "no route")
		}
	}
	clients.report(t)
	least, most := 2, 1+services/4
	if b.r.can().addsBackends {
		least, most = 1, 1
	}
	if n := b.reloads(); n < least || n > most {
		t.Fatalf("%d loads", n)
	}
	b.settled()
	b.quiet("the churn")
}

// TestHeldRouteOfASpare: the guard's form of a route answers 503, and the
// service that comes back serves at once.
func TestHeldRouteOfASpare(t *testing.T) {
	b := managed(t)
	one := origin(t, "one")
	b.plain("first", one)
	b.sync()
	service := b.plain("new", one)
	b.sync()
	delete(b.set, "new")
	scope := reconcilers.Scope{Services: []string{"new"}}
	observed, err := b.r.Observe(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	wanted := plan.State{}
	for key, object := range observed {
		if object.Hold != nil {
			wanted[key] = object.Hold
		}
	}
	if len(wanted) != 1 {
		t.Fatalf("%d routes can be held", len(wanted))
	}
	if _, err := b.r.Apply(t.Context(), diff(observed, wanted)); err != nil {
		t.Fatal(err)
	}
	b.want("new.test", "/", 503, "")
	b.restart()
	b.want("new.test", "/", 503, "")
	b.set["new"] = service
	b.sync()
	b.want("new.test", "/", 200, "one")
	if n := b.reloads(); n != 0 {
		t.Fatalf("%d reloads", n)
	}
}

func TestSpareOfAnExternalHAProxy(t *testing.T) {
	b := external(t, userConfig)
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("first", one)
	b.sync()
	worker := b.r.live
	b.plain("new", two)
	b.sync("new")
	b.want("new.test", "/", 200, "two")
	b.want("mine.test", "/", 200, "my own page")
	delete(b.set, "new")
	b.sync("new")
	b.want("new.test", "/", 200, "my own page")
	if b.r.live != worker {
		t.Fatal("HAProxy was reloaded")
	}
	b.settled()
	b.restart()
	b.quiet("a restart")
}
