package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/source/docker"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/manifests/git"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// daemon is everything that run and plan are made of, wired together.
type daemon struct {
	controller  *controller.Controller
	source      *docker.Source
	sources     []source.Source // that one, and what else says what there should be
	repository  *git.Repository // nil: none
	hook        *server.Hook    // nil: none
	hookHandler http.Handler
	status      *status.Store
	registry    *prometheus.Registry
	grammar     v1.Grammar
	gateways    []controller.Gateway
	store       *ledger.Store   // nil when only looking
	keeper      *history.Keeper // nil: no history is kept
	hop         *hop.Holder     // keys between Kong and HAProxy that are renewed here; nil: none
}

// mode says what a daemon may do.
type mode struct {
	look   bool // only look: hold no lock, write no ledger, start nothing
	once   bool // it ends when everything is applied
	dryRun bool // plan and log, change no gateway and remember nothing; the lock is held
	// writer is whom gateways are to know it as where the state directory has no id yet; "":
	// nobody that they know.
	writer string
}

// remembers reports whether the state directory is written to.
func (m mode) remembers() bool { return !m.look && !m.dryRun }

// letGo returns the command that lets go what guards hold back.
func (m mode) letGo() string {
	if m.once {
		return letGoOnce
	}
	return status.LetGo
}

// newDaemon wires a daemon from checked settings.
func newDaemon(version string, s *settings, m mode, log *slog.Logger) (*daemon, error) {
	d := &daemon{
		registry: prometheus.NewRegistry(),
		grammar:  s.grammar(),
	}
	d.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	guard, err := parseGuard(s.guard)
	if err != nil {
		return nil, err
	}
	memory, writer, err := d.openState(s, m)
	if err != nil {
		return nil, err
	}
	if err := d.openGateways(s, m, writer, log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.source, err = docker.New(docker.Options{
		Host:        s.dockerHost,
		LabelPrefix: s.labelPrefix,
		ExposeAll:   s.exposeAll,
		Strangers:   s.declares(),
		Resync:      s.resync,
		Gateways:    locators(s),
		Logger:      log.With("source", "docker"),
		Registerer:  d.registry,
	})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.sources = []source.Source{d.source}
	if err := d.openManifests(s, m, log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.status = status.New(version, s.owner, d.gatewayNames())
	d.status.Writes(writer)
	d.keepHistory(s, m, log)
	given, err := s.given()
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	publish, _ := netip.ParseAddr(s.publishAddress) // checked; invalid when empty
	d.controller = controller.New(controller.Options{
		Grammar:        d.grammar,
		Sources:        d.sources,
		Gateways:       d.gateways,
		PublishAddress: publish,
		Ways:           s.chain.ways, Chain: s.chain.chain,
		TLSPassthrough: s.haproxyPassthrough,
		Given:          given,
		Memory:         memory,
		Remember:       d.remember(m),
		History:        d.keeper,
		Status:         d.status,
		Guard:          guard,
		Resync:         s.resync,
		DryRun:         m.dryRun || m.look,
		LetGo:          m.letGo(),
		Registry:       d.registry,
		Log:            log,
	})
	return d, nil
}

// gatewayNames returns the names of the gateways.
func (d *daemon) gatewayNames() []v1.Gateway {
	names := make([]v1.Gateway, len(d.gateways))
	for i, gateway := range d.gateways {
		names[i] = gateway.Name
	}
	return names
}

// openState opens the state directory, or reads the ledger when only looking.
func (d *daemon) openState(s *settings, m mode) (*ledger.Ledger, string, error) {
	if m.look {
		memory, err := ledger.Read(ledger.Path(s.stateDir))
		if err != nil {
			return nil, "", err
		}
		writer, err := d.identity(s, m)
		return memory, writer, err
	}
	store, err := ledger.Open(s.stateDir)
	if err != nil {
		return nil, "", err
	}
	d.store = store
	memory, err := store.Load()
	if err != nil {
		return nil, "", errors.Join(err, d.close())
	}
	writer, err := d.identity(s, m)
	if err != nil {
		return nil, "", errors.Join(err, d.close())
	}
	return memory, writer, nil
}

// identity returns the state directory's id as a writer. A daemon that changes
// nothing keeps none.
func (d *daemon) identity(s *settings, m mode) (string, error) {
	if m.remembers() {
		return d.store.Identity()
	}
	writer, err := ledger.Identity(s.stateDir)
	if writer == "" {
		writer = cmp.Or(m.writer, uuid.NewString()) // a daemon on this directory would make one
	}
	return writer, err
}

// seal returns the key of the state directory by which secrets become digests. A
// daemon that changes nothing makes none.
func (d *daemon) seal(s *settings, m mode) ([]byte, error) {
	if m.remembers() {
		return d.store.Seal()
	}
	return ledger.Seal(s.stateDir)
}

// remember returns what saves the ledger, or nil when nothing is to be saved.
func (d *daemon) remember(m mode) func(*ledger.Ledger) error {
	if !m.remembers() {
		return nil
	}
	return func(memory *ledger.Ledger) error { return d.saved("ledger", d.store.Save(memory)) }
}

// saved has status tell whether a part of the state directory could be written, and returns err.
func (d *daemon) saved(part string, err error) error {
	d.status.Saved(part, err, time.Now())
	return err
}

// keepHistory has a daemon that remembers keep a history.
func (d *daemon) keepHistory(s *settings, m mode, log *slog.Logger) {
	if m.remembers() {
		d.keeper = history.NewKeeper(func() (*history.Store, error) { return history.Open(s.stateDir) }, log, func(err error) { d.status.Saved("history", err, time.Now()) })
	}
}

// openGateways makes a reconciler for each configured gateway.
func (d *daemon) openGateways(s *settings, m mode, writer string, log *slog.Logger) error {
	if err := d.openHop(s, m); err != nil {
		return err
	}
	if err := d.openKong(s, m, writer, log); err != nil {
		return err
	}
	if s.haproxy == "off" {
		return nil
	}
	reconciler, err := s.newHAProxy(writer, m, log, d.registry)
	if err != nil {
		return err
	}
	return d.add(controller.Gateway{Name: v1.HAProxy, Reconciler: reconciler}, s.stateDir, m)
}

// newHAProxy makes the reconciler of HAProxy. It reads the files that flags name, and
// asks nobody.
func (s *settings) newHAProxy(writer string, m mode, log *slog.Logger, registry prometheus.Registerer) (*haproxy.Reconciler, error) {
	reconciler, err := haproxy.New(haproxy.Options{
		Mode:             haproxy.Mode(s.haproxy),
		Owner:            s.owner,
		Writer:           writer,
		Takeover:         s.takeover,
		Alone:            len(s.kongAdminURLs) == 0,
		Binary:           s.haproxyBinary,
		Binds:            s.haproxyBinds,
		TLSBinds:         s.haproxyTLSBinds,
		CertificateFiles: s.haproxyCertificates,
		BackendCAs:       s.backendCAs,
		ClientCA:         s.haproxyClientCA,
		ClientCRL:        s.haproxyClientCRL,
		TCPPorts:         s.haproxyTCPPorts,
		TLSPassthrough:   s.haproxyPassthrough,
		HardStopAfter:    s.haproxyHardStop,
		Via:              s.chain.via,
		Errors:           s.haproxyErrors,
		AccessLog:        s.haproxyAccessLog,
		AccessLogQuery:   s.haproxyLogQuery,
		TrustedProxies:   s.trusted,
		AcceptProxy:      s.accepted,
		ConfigFiles:      s.haproxyConfigs,
		Dir:              s.haproxyDir,
		StatsSocket:      s.haproxyStatsSocket,
		MasterSocket:     s.haproxyMasterSocket,
		StopOnExit:       s.haproxyStopOnExit && m.remembers(),
		Log:              log.With("gateway", string(v1.HAProxy)),
		Registry:         registry,
	})
	if err != nil {
		return nil, fmt.Errorf("haproxy: %w", err)
	}
	return reconciler, nil
}

// add adds a gateway, with what is remembered of it.
func (d *daemon) add(gateway controller.Gateway, stateDir string, m mode) error {
	name := string(gateway.Name)
	if m.remembers() {
		gateway.KeepGuard = func(memory reconcilers.GuardMemory) error {
			return d.saved("guard of "+name, d.store.SaveNote(ledger.NoteOfGuard+name, memory))
		}
		gateway.KeepDrifted = func(memory reconcilers.DriftMemory) error {
			return d.saved("drift of "+name, d.store.SaveNote(ledger.NoteOfDrift+name, memory))
		}
	}
	err := errors.Join(ledger.ReadNote(stateDir, ledger.NoteOfGuard+name, &gateway.Guarded), ledger.ReadNote(stateDir, ledger.NoteOfDrift+name, &gateway.Drifted))
	d.gateways = append(d.gateways, gateway)
	return err
}

// locators says for each gateway how its networks are found out.
func locators(s *settings) map[v1.Gateway]docker.Locator {
	out := map[v1.Gateway]docker.Locator{}
	if len(s.kongAdminURLs) > 0 {
		out[v1.Kong] = docker.Locator{Networks: s.kongNetworks, URL: s.kongAdminURLs[0], Flag: "--kong-network"}
	}
	if s.haproxy != "off" {
		out[v1.HAProxy] = docker.Locator{Networks: s.haproxyNetworks, Local: true, Flag: "--haproxy-network"}
	}
	return out
}

// close lets go of everything; the gateways go on serving.
func (d *daemon) close() error {
	var failed []error
	for _, gateway := range d.gateways {
		if err := gateway.Reconciler.Close(); err != nil {
			failed = append(failed, fmt.Errorf("close %s: %w", gateway.Name, err))
		}
	}
	if d.keeper != nil {
		failed = append(failed, d.keeper.Close())
	}
	if d.store != nil {
		failed = append(failed, d.store.Close())
	}
	return errors.Join(failed...)
}

// explain answers for an address, a container or a service: from status, else from Docker
// itself, which knows the containers that don't count.
func (d *daemon) explain(ctx context.Context, ref string) (status.Explanation, error) {
	if !d.status.Known() { // Docker alone would say of what is served that it only starts
		_, why := d.status.Ready()
		return status.Explanation{}, fmt.Errorf("what runs is not known yet (%s); ask again", why)
	}
	if port, is := status.PortOf(ref); is {
		if endpoint, ok := d.controller.Explain(ctx, ref); ok { // a manifest declares it
			return endpoint, nil
		}
		return d.status.ExplainPort(ref, port), nil
	}
	if status.IsURL(ref) {
		return d.status.ExplainURL(ref)
	}
	ref = strings.TrimPrefix(ref, "/") // as Docker shows names
	if explanation, ok := d.controller.Explain(ctx, ref); ok {
		return d.becameOf(ctx, explanation), nil
	}
	return d.lookup(ctx, ref)
}
