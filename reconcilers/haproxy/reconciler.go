package haproxy

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
	"github.com/lockstep/lockstep/reconcilers/haproxy/program"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

var (
	_ reconcilers.Reconciler = (*Reconciler)(nil)
	_ reconcilers.Watcher    = (*Reconciler)(nil)
	_ reconcilers.Inspector  = (*Reconciler)(nil)
	_ reconcilers.Keeper     = (*Reconciler)(nil)
	_ reconcilers.Renderer   = (*Reconciler)(nil)
)

// Reconciler keeps one HAProxy. Observe, Apply and Close belong to one
// goroutine; Watch runs beside them.
type Reconciler struct {
	o     Options
	user  userfile.Facts
	base  string   // what should stand before the services
	pages page.Set // the operator's own answers
	// What the operator set up and has no effect: pages, the access log; and what was said of it.
	pageNotices, logNotices []v1.Problem
	noticed                 map[string]bool

	dir     *disk.Directory
	process *program.Process // nil when external
	metrics *metrics
	reloads *rate.Limiter
	watched watched                 // what Watch needs to know
	taken   map[bind.Address]string // ports for labels that can't be had, and why
	asked   asked                   // what was last asked for of Listeners
	// watching says that Watch was called, as a daemon does.
	watching atomic.Bool
	version  string        // of the process that runs; "" when it is not known
	program  string        // version of the program, once it was asked
	limit    time.Duration // how long it may take to load its files
	// streamLeave is how long streams to a server that is gone are kept.
	streamLeave time.Duration

	// What was found or made last; valid while known.
	known    bool
	model    *config.Model
	table    *routemap.Table
	running  map[string]string   // the map as the process has it
	patterns []string            // patterns.map as the process has it; nil when it has none
	hosts    map[string]bool     // keys of hosts.map as the process has it; nil when it has none
	certs    map[string]crt.Live // by file, as the process has them; nil when it has no listener for TLS
	filed    []crt.Filed         // the user's files of certificates, as last read
	dated    map[string]string   // certificates that the metric tells of; the version of one that was said to have ended
	// authorities are those for instances, by name, as they were last read.
	authorities map[string]issuer
	// proof is the secret by which a worker that was replaced vouches for clients; see proof.go.
	proof string
	// clients are those by which clients' certificates are verified, by path.
	clients   map[string]issuer
	contested map[string]string // certificates that are not shown, and what was said of them
	lost      map[string]error  // paths of such files that can't be looked at
	backends  map[string]bool   // names of backends that the process has, of ours
	live      identity
	leaving   map[string]leaving // servers that wait to be deleted, by place
	handed    map[int]bool       // old workers that pass everything on
	condition condition
	behind    behind

	// fault, when not nil, is asked before each step that changes something; its
	// error is taken for that of the step. For tests.
	fault func(step string) error
}

// behind tells which files do not say yet what the model says.
type behind struct {
	configs map[string]bool // names of files
	maps    bool
	certs   bool
	all     bool // any of them may differ
}

func (b behind) any() bool { return b.all || b.maps || b.certs || len(b.configs) > 0 }

// before asks the tests' fault whether a step may succeed.
func (r *Reconciler) before(step string) error {
	if r.fault == nil {
		return nil
	}
	return r.fault(step)
}

// New returns a Reconciler that has not looked at HAProxy yet. It reads the
// user's files and fails when they, or the options, can't work.
func New(options Options) (*Reconciler, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	user, err := userfile.Read(o.ConfigFiles)
	if err != nil {
		return nil, err
	}
	if o.StatsSocket == "" {
		if user.StatsSocket == "" {
			return nil, errors.New("no stats socket is known: name it with --haproxy-stats-socket, or the user's files with --haproxy-config")
		}
		o.StatsSocket = user.StatsSocket
	}
	pages, wrong := page.Read(o.Errors, o.Dir, nil) // what is wrong keeps nothing from being served
	metrics, err := newMetrics(o.Registry)
	if err != nil {
		return nil, err
	}
	r := &Reconciler{
		o: o, user: user, metrics: metrics,
		pages: pages, pageNotices: wrong,
		limit: loadLimit, streamLeave: streamLeave, leaving: map[string]leaving{}, dated: map[string]string{},
		reloads: rate.NewLimiter(rate.Every(o.ReloadEvery), 2),
	}
	if err := r.readAuthorities(); err != nil {
		return nil, err
	}
	r.rebase()
	r.dir = &disk.Directory{
		Path: o.Dir, Owner: o.Owner, Writer: o.Writer, Object: baseKey, Before: r.before,
		Wrote: func(name string) { metrics.files.WithLabelValues(fileLabel(name)).Inc() },
	}
	if o.Mode == Managed {
		r.process = program.New(program.Options{
			Binary: o.Binary, ConfigFiles: o.ConfigFiles, Dir: o.Dir,
			MasterSocket: o.MasterSocket, StatsSocket: o.StatsSocket, PIDFile: o.PIDFile,
			OwnStdout: o.AccessLog == AccessLogStdout, Log: o.Log,
		})
	}
	return r, nil
}

// Close lets another daemon in. HAProxy goes on serving, unless it is managed,
// StopOnExit was asked for, and this Reconciler was its keeper: one that only
// looked never ends it.
func (r *Reconciler) Close() error {
	var err error
	if r.o.StopOnExit && r.process != nil && r.keeper() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = r.process.Stop(ctx)
	}
	return errors.Join(err, r.dir.Release())
}

// End implements reconcilers.Keeper.
func (r *Reconciler) End(ctx context.Context) error {
	if r.process == nil {
		return nil
	}
	if err := r.dir.Claim(r.o.Takeover); err != nil {
		return err
	}
	return r.process.Stop(ctx)
}

// Rival implements reconcilers.Contested. What can't be read is told by Observe.
func (r *Reconciler) Rival() *v1.Problem {
	if problem, ok := errors.AsType[v1.Problem](r.dir.Contest(r.o.Takeover)); ok && problem.Reason == v1.Conflict {
		return &problem
	}
	return nil
}

// keeper reports whether this is the one writer. One that watched and found
// nothing to do has not claimed the directory yet.
func (r *Reconciler) keeper() bool {
	return r.dir.Held() || r.watching.Load() && r.dir.Claim(false) == nil
}
