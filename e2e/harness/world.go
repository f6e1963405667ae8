package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/internal/stage"
)

// Patience is how long a story waits for something that must happen.
const Patience = time.Minute

// Options describe a World.
type Options struct {
	Binary string // path of lockstep
	Image  string // the sample service's image
	DBLess bool   // the stand-in for Kong runs without a database
	NoKong bool   // there is no Kong at all
	Chain  bool   // Kong may reach one service through HAProxy

	// DockerHost is the daemon's Docker Engine; "" is the stage's.
	DockerHost string
}

// World is everything that belongs to one story.
type World struct {
	ID      string // names it everywhere; also the owner and, with a dot, the label prefix
	Dir     string // temporary; holds the state directory and the daemon's log
	Stage   *stage.Stage
	Kong    *Kong
	Proxies Proxies
	Traffic *Traffic
	Loads   []*Load
	Secrets Secrets
	Spare   string // an address that a story may have something listen on
	Calls   map[string]*Call

	options Options
	listen  string
	via     string // where Kong reaches one service through HAProxy
	home    string // the network of containers that name none, once there is one
	daemon  *daemon
	taps    []*tap
	closers []func() error
}

// Proxies are the addresses at which the gateways serve; TLS is HAProxy's for a story that opens it.
type Proxies struct{ HAProxy, TLS, Kong string }

// New sets up a World. The caller must Close it, also after an error.
func New(ctx context.Context, options Options) (*World, error) {
	w := &World{ID: fmt.Sprintf("ls%06x", rand.Uint32N(1<<24)), options: options}
	dir, err := os.MkdirTemp("", w.ID)
	if err != nil {
		return w, err
	}
	w.Dir = dir
	w.closers = append(w.closers, func() error { return os.RemoveAll(dir) })
	w.Stage, err = stage.Open(ctx, "", w.ID)
	if err != nil {
		return w, err
	}
	w.closers = append(w.closers, w.Stage.Close, w.clear)
	for _, address := range []*string{&w.Proxies.HAProxy, &w.Proxies.TLS, &w.listen, &w.via, &w.Spare} {
		lease, err := port.Take()
		if err != nil {
			return w, err
		}
		w.closers = append(w.closers, lease.Release)
		*address = lease.Address
	}
	if options.NoKong {
		return w, nil
	}
	w.Kong, err = startKong(options.DBLess)
	if err != nil {
		return w, err
	}
	w.Proxies.Kong = w.Kong.proxy
	w.closers = append(w.closers, w.Kong.Close)
	return w, nil
}

// OnClose has something done when the World is closed, last come first.
func (w *World) OnClose(do func() error) { w.closers = append(w.closers, do) }

// Close ends everything that the World started and removes what it made.
func (w *World) Close() error {
	var problems []error
	if w.Traffic != nil {
		w.StopTraffic()
	}
	for _, l := range w.Loads {
		problems = append(problems, l.Stop())
	}
	if w.daemon != nil {
		problems = append(problems, w.Kill())
	}
	if w.Dir != "" {
		problems = append(problems, w.KillHAProxy())
	}
	for _, t := range w.taps {
		problems = append(problems, t.Close())
	}
	for _, call := range w.Calls {
		_ = call.Close() // it may have been ended from the other side
	}
	for _, end := range slices.Backward(w.closers) {
		problems = append(problems, end())
	}
	return errors.Join(problems...)
}

// Home is the network of the story's containers that name none. On the bridge that all stories
// could share, Docker gives a container that is gone's address to another story's at once, and
// a gateway whose Lockstep was killed would send requests there.
func (w *World) Home(ctx context.Context) (string, error) {
	if w.home == "" {
		if err := w.Stage.CreateNetwork(ctx, "home"); err != nil {
			return "", err
		}
		w.home = "home"
	}
	return w.home, nil
}

// clear removes containers and networks; it works also when the story's context has ended.
func (w *World) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return w.Stage.Clear(ctx)
}

// StateDir is the daemon's state directory.
func (w *World) StateDir() string { return filepath.Join(w.Dir, "state") }

// Prefix is the label prefix, with its final dot.
func (w *World) Prefix() string { return w.ID + "." }

// Settings are the story's settings as environment variables, for the daemon
// and for every other command alike.
func (w *World) Settings() map[string]string {
	settings := map[string]string{
		"LOCKSTEP_DOCKER_HOST":     cmp.Or(w.options.DockerHost, w.Stage.Host()),
		"LOCKSTEP_LABEL_PREFIX":    w.Prefix(),
		"LOCKSTEP_OWNER":           w.ID,
		"LOCKSTEP_KONG_NETWORK":    "host",
		"LOCKSTEP_HAPROXY":         "managed",
		"LOCKSTEP_HAPROXY_BIND":    w.Proxies.HAProxy,
		"LOCKSTEP_HAPROXY_NETWORK": "host",
		"LOCKSTEP_STATE_DIR":       w.StateDir(),
		"LOCKSTEP_LISTEN":          w.listen,
		"LOCKSTEP_LOG_LEVEL":       "debug",
		"LOCKSTEP_MIN_RESYNC":      "0s", // stories don't wait
	}
	if w.Kong != nil {
		settings["LOCKSTEP_KONG_ADMIN_URL"] = w.Kong.admin
		settings["LOCKSTEP_KONG_SERVICE"] = w.ID + "-nodes"
	}
	if w.Kong != nil && w.options.Chain {
		host, port, _ := strings.Cut(w.via, ":")
		settings["LOCKSTEP_HAPROXY_VIA_ADDRESS"], settings["LOCKSTEP_HAPROXY_VIA_PORTS"] = host, port+"-"+port
	}
	return settings
}

// Until asks again and again until ok returns nil, and gives up with its last
// error after the story's patience.
func Until(ctx context.Context, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", Patience, err)
		case <-tick.C:
		}
	}
}
