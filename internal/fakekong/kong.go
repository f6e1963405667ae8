package fakekong

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Kong is one gateway: an Admin API and a proxy over the same entities. All
// methods may be called at any time by many goroutines.
type Kong struct {
	AdminURL string // "http://127.0.0.1:…"; empty with Options.NoListen
	ProxyURL string

	mode   Mode
	behind *behind // the real Kong that answers; nil: this one does
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	nodeID string
	lib    *library

	faults  faults
	journal journal
	front   front
	routing delayed[*view]
	plugins delayed[terminations]
	turn    atomic.Uint64 // of the workers

	balancers balancers
	stream    []StreamListener
	spaces    []string      // the workspaces beside the default one
	newID     func() string // for entities that come without an id

	mu        sync.Mutex // guards what follows
	store     *store
	hash      string // of the configuration, without a database
	pushed    string // the text of the configuration, when it came as text
	unhealthy map[string]bool
}

// New starts a Kong. It is running when New returns; Close ends it.
func New(o Options) (*Kong, error) {
	k := &Kong{
		dial: o.Dial, nodeID: uuid.NewString(), newID: uuid.NewString,
		store: newStore(), hash: noHash, unhealthy: map[string]bool{},
	}
	var err error
	if o.AdminOf != "" {
		if k.behind, err = newBehind(o); err != nil {
			return nil, err
		}
		is, err := k.behind.edition()
		if err != nil {
			return nil, fmt.Errorf("ask the Kong at %s: %w", o.AdminOf, err)
		}
		o.Mode, o.Groups, o.Stream = is.Mode, is.Groups, is.Stream
	}
	k.mode, k.stream, k.spaces = cmp.Or(o.Mode, Database), o.Stream, o.Workspaces
	if k.lib, err = newLibrary(o.Schemas, o.Groups); err != nil {
		return nil, err
	}
	if k.dial == nil {
		k.dial = (&net.Dialer{}).DialContext
	}
	k.routing.delay, k.plugins.delay = o.RouteDelay, o.PluginDelay
	k.front.addresses = [2]string{o.AdminAddr, o.ProxyAddr}
	k.front.handlers = [2]http.Handler{k.AdminHandler(), k.newProxy()}
	k.front.none = o.NoListen
	err = k.front.reserve()
	if err == nil {
		err = k.Start()
	}
	if err != nil {
		return nil, errors.Join(err, k.front.release())
	}
	if o.NoListen {
		return k, nil
	}
	k.AdminURL, k.ProxyURL = "http://"+k.front.addresses[0], "http://"+k.front.addresses[1]
	if o.ProxyOf != "" && !o.Apart { // nothing on the way is spelled differently
		k.ProxyURL = o.ProxyOf
	}
	return k, nil
}

// Mode says where Kong keeps its configuration: also of the real one at Options.AdminOf.
func (k *Kong) Mode() Mode { return k.mode }

// Clear removes everything; of a real Kong (Options.AdminOf) with a database, what was
// made through this one.
func (k *Kong) Clear() error {
	if k.behind != nil {
		return k.behind.clear(k.lib, k.mode)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.store, k.hash, k.pushed = newStore(), noHash, ""
	k.balancers.reset()
	k.routing.reset(k.routes())
	k.plugins.reset(k.terminations())
	return nil
}

// Close takes the gateway down for good.
func (k *Kong) Close() {
	k.Stop()
	_ = k.front.release() // nothing could be done about a port that stays lent until this process ends
}

// Restart takes the gateway down and up again. With a database it comes back with
// what it held; without one it comes back empty, as a new container does.
func (k *Kong) Restart() error {
	k.Stop()
	if k.behind != nil && k.mode == DBLess {
		if err := k.Clear(); err != nil {
			return err
		}
	}
	k.mu.Lock()
	clear(k.unhealthy)
	if k.mode == DBLess {
		k.store, k.hash, k.pushed = newStore(), noHash, ""
	}
	k.balancers.reset()
	k.routing.reset(k.routes())
	k.plugins.reset(k.terminations())
	k.mu.Unlock()
	return k.Start()
}

// Late has changes of routes and plugins from now on take effect that much later, as
// Options.RouteDelay and PluginDelay do from the start.
func (k *Kong) Late(routes, plugins time.Duration) {
	k.routing.late(routes)
	k.plugins.late(plugins)
}

// changed tells the proxy that entities of a kind have changed. The caller holds the lock.
func (k *Kong) changed(kd *kind) {
	switch kd.name {
	case "routes", "services":
		k.routing.set(k.routes)
	case "plugins":
		k.plugins.set(k.terminations)
	case "upstreams", "targets":
		k.balancers.reset()
	}
}

// AdminHandler serves the Admin API, with faults and the log of requests.
func (k *Kong) AdminHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.front.asked.RLock()
		defer k.front.asked.RUnlock()
		entry := Request{Method: r.Method, Path: r.URL.RequestURI()}
		fault := k.faults.take(r)
		raw, err := io.ReadAll(r.Body)
		entry.Body = string(raw)
		if err == nil {
			entry.Status = k.answer(w, r, raw, fault)
		}
		k.journal.add(entry)
	})
}

// answer serves a request with what is to go wrong, and returns the status that
// the client saw; 0: none.
func (k *Kong) answer(w http.ResponseWriter, r *http.Request, raw []byte, fault Fault) int {
	down := k.front.closing(r)
	if !fault.wait(r, down) {
		cut(w, nil)
		return 0
	}
	if fault.Status != 0 {
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, fault.Body)
		return fault.Status
	}
	if fault.Cut == CutBefore && cut(w, nil) {
		return 0
	}
	serve := k.serve
	if k.behind != nil {
		serve = k.behind.serve
	}
	a := serve(r, raw, down)
	if a == nil {
		cut(w, nil)
		return 0
	}
	if fault.Cut == CutAfter && cut(w, a) {
		return 0
	}
	body := a.bytes()
	maps.Copy(w.Header(), a.headers(len(body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
	return a.status
}
