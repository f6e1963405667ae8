package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/source"
)

func newRun(version string) *cobra.Command {
	var s settings
	var once, dryRun bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: "Run watches Docker and keeps the configured gateways equal to the labelled\n" +
			"containers, until it gets SIGTERM or SIGINT. The gateways go on serving then.\n" +
			"Each flag can be given as a variable: --state-dir is LOCKSTEP_STATE_DIR.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if once && !dryRun {
				return applyOnce(c, version, &s, manner{once: true}, &output[applied]{format: &format{word: "text"}})
			}
			return begin(c, version, &s, manner{once: once, dryRun: dryRun})
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&once, "once", false, "end when every gateway holds what is desired, as lockstep apply --once does")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "log what would change, and change nothing")
	completeDaemon(c)
	return withEnvironment(c)
}

// manner is how a daemon is run.
type manner struct {
	once    bool          // it ends when every gateway holds what is desired
	confirm bool          // it lets go what the guard holds back before it ends
	timeout time.Duration // when it ends even so; 0: never
	outcome *outcome      // takes what became of it; nil: nobody asks
	dryRun  bool          // it changes nothing
	line    *lastLine     // says how far it is; nil: nobody looks on, or it goes on for good
}

// begin opens the log and runs the daemon. Who waits on a terminal for its end sees how far
// it is.
func begin(c *cobra.Command, version string, s *settings, m manner) error {
	out := c.ErrOrStderr()
	if line := progressOn(out); m.once && line != nil {
		m.line, out = line, line
	}
	log, err := newLogger(out, s.logFormat, s.logLevel)
	if err != nil {
		return err
	}
	warnOfUnknown(log, variables(c.Root()), os.Environ())
	return run(c.Context(), version, s, m, log)
}

// run is the daemon: it wires everything, serves the interfaces and works
// until ctx ends.
func run(ctx context.Context, version string, s *settings, m manner, log *slog.Logger) (err error) {
	d, err := newDaemon(version, s, mode{once: m.once, dryRun: m.dryRun}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	listener, err := listenAt("--listen", s.listen)
	if err != nil {
		return err
	}
	control, err := listenControl(s.controlSocket)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	if err := d.serveHook(ctx, group, s.git.hookListen, log); err != nil {
		return errors.Join(err, listener.Close(), control.Close())
	}
	serve(ctx, group, listener, newServer(ctx, guarded(d.handler(), listener.Addr(), s.listen), callMost))
	serve(ctx, group, control, newServer(ctx, d.controls(), 0)) // who may order may wait
	group.Go(func() error { return d.controller.Run(ctx) })
	group.Go(func() error { d.saveMemory(ctx); return nil })
	group.Go(func() error { return d.renewHop(ctx, s, log) })
	if m.line != nil {
		group.Go(func() error { return d.sayProgress(ctx, m.line) })
	}
	if m.once {
		group.Go(func() error {
			defer stop()
			return d.once(ctx, m, log)
		})
	}
	log.Info("started", "version", version, "owner", s.owner, "listen", listener.Addr().String(), "gateways", d.names())
	err = group.Wait()
	if s.haproxyStopOnExit && s.haproxy == "managed" {
		log.Info("ended, and HAProxy with it")
	} else {
		log.Info("ended; the gateways go on serving")
	}
	return err
}

// guarded keeps pages in a browser on this machine from an interface that is
// bound to loopback. One that is bound to more is meant to be reached by others,
// by names that we can't know.
func guarded(handler http.Handler, at net.Addr, listen string) http.Handler {
	if tcp, ok := at.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return handler
	}
	name, _, err := net.SplitHostPort(listen)
	if err != nil {
		return server.Local(handler)
	}
	return server.Local(handler, strings.ToLower(name))
}

// handler returns the read-only interface.
func (d *daemon) handler() http.Handler {
	return server.New(server.Readers{
		Ready:   d.status.Ready,
		Status:  d.controller.Report,
		Await:   d.status.Await,
		Explain: d.explain,
		Plan:    d.plan,
		History: d.history,
		Metrics: promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{}),
	})
}

// controls returns what the control socket answers: commands that change
// something, and all questions, so that a command asks and acts at one daemon.
func (d *daemon) controls() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", server.NewControl(server.Actions{
		Confirm: d.controller.Confirm, Repair: d.controller.Repair, Drain: d.drain, Pause: d.pause, Rollback: d.rollback, Adopt: d.adopt(false), Release: d.adopt(true), Prune: d.prune,
	}))
	mux.Handle("GET /", d.handler())
	mux.Handle("GET /render", server.NewRender(d.render))
	return mux
}

// render writes down what gateways are to hold; all that are kept where none is named.
func (d *daemon) render(ctx context.Context, gateways []v1.Gateway) ([]server.Rendered, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := d.untilLoaded(ctx); err != nil {
		return nil, err
	}
	if len(gateways) == 0 {
		for _, gateway := range d.gateways {
			gateways = append(gateways, gateway.Name)
		}
	}
	rendered := make([]server.Rendered, len(gateways))
	var group sync.WaitGroup
	for i, gateway := range gateways {
		group.Go(func() {
			files, problems, err := d.controller.Render(ctx, gateway)
			rendered[i] = server.Rendered{Gateway: gateway, Files: files, Problems: problems}
			if err != nil {
				rendered[i].Error = err.Error()
			}
		})
	}
	group.Wait()
	return rendered, ended(ctx)
}

// plan compares every gateway with what is desired, in printed form.
func (d *daemon) plan(ctx context.Context) ([]server.GatewayPlan, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := d.untilLoaded(ctx); err != nil {
		return nil, err
	}
	previews, err := d.controller.Previews(ctx)
	if ended := ended(ctx); ended != nil { // what gateways said then is only that
		return nil, ended
	}
	if err != nil {
		if ready, why := d.status.Ready(); !ready {
			return nil, errors.New(why)
		}
		return nil, err
	}
	out := make([]server.GatewayPlan, len(previews))
	for i, preview := range previews {
		out[i] = server.NewGatewayPlan(preview.Gateway, preview.Plan, preview.Problems, preview.Error)
	}
	return out, nil
}

// How long a plan waits for a source that has not loaded: while it names an
// error, and while it is silent.
const (
	patienceFailing = 3 * time.Second
	patienceSilent  = 8 * time.Second
)

// untilLoaded waits until every source has loaded, and gives up soon with what
// the source itself says.
func (d *daemon) untilLoaded(ctx context.Context) error {
	for _, s := range d.sources {
		if err := d.untilOneLoaded(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *daemon) untilOneLoaded(ctx context.Context, s source.Source) error {
	began := time.Now()
	for {
		changed := d.status.Changed()
		state := s.State()
		wait := patienceSilent
		if state.Error != "" {
			wait = patienceFailing
		}
		wait -= time.Since(began)
		switch {
		case state.Loaded:
			return nil
		case wait <= 0 && state.Error != "":
			return fmt.Errorf("what there should be is not known: %s", state.Error)
		case wait <= 0 && s == source.Source(d.source):
			return fmt.Errorf("what runs is not known: %s does not answer; see whether docker ps does, or name another with --docker-host", d.source)
		case wait <= 0:
			return fmt.Errorf("what there should be is not known: %s is not loaded yet", state.Name)
		}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-ctx.Done():
			return cmp.Or(ended(ctx), ctx.Err())
		}
	}
}

// errEnded is the answer to a question that was under way when lockstep was told to end.
var errEnded = errors.New("lockstep ended before it had an answer; ask again when it runs")

// ended returns errEnded when ctx was cancelled, as that of each question is when the
// daemon ends, or when nobody waits for the answer any more.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return errEnded
	}
	return nil
}

// sayProgress says on a line how far the gateways are whose changes take a while, until
// ctx ends.
func (d *daemon) sayProgress(ctx context.Context, line *lastLine) error {
	defer line.say("")
	for {
		changed := d.status.Changed()
		line.say(d.status.Underway())
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// until waits until the status says something, or ctx ends.
func (d *daemon) until(ctx context.Context, says func() bool) {
	for {
		changed := d.status.Changed()
		if says() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// untilReady waits until every gateway holds what is desired; in a dry run,
// until every gateway was compared.
func (d *daemon) untilReady(ctx context.Context, dryRun bool) {
	d.until(ctx, func() bool {
		ready, _ := d.status.Ready()
		return ready || dryRun && d.status.Compared()
	})
}

// untilSettled returns true when every gateway holds what is desired, also when all that
// the gateways were found to be and to hold on the way there is known, and where one is asked
// whether it serves what it accepted, when it does; false when ctx ended before.
func (d *daemon) untilSettled(ctx context.Context, dryRun bool) bool {
	for {
		if d.untilReady(ctx, dryRun); ctx.Err() != nil {
			return false
		}
		d.controller.CatchUp(ctx)
		changed := d.status.Changed()
		if dryRun || !d.status.Pending() && !d.status.Unproven() {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (d *daemon) names() []string {
	var names []string
	for _, gateway := range d.gateways {
		names = append(names, string(gateway.Name))
	}
	return names
}

// callMost is how long a call over the network may take, from its first byte to the last of the
// answer: longer than any answer takes, for who does not read it holds all of it in memory.
const callMost = 2 * time.Minute

// newServer returns a server whose calls may take so long; 0: as long as they like.
func newServer(ctx context.Context, handler http.Handler, most time.Duration) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       most,
		WriteTimeout:      most,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// Whoever waits for a change is answered at the end.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

// serve answers on a listener until ctx ends, and then lets what was begun finish.
func serve(ctx context.Context, group *errgroup.Group, listener net.Listener, s *http.Server) {
	group.Go(func() error {
		if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := s.Shutdown(timeout); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("end serving on %s: %w", listener.Addr(), err)
		}
		return nil
	})
}
