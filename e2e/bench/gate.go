package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// gate is a HAProxy with its reconciler and nothing before it: what is decided is
// handed over by a call, so that Docker has no part in what is measured.
type gate struct {
	r       *haproxy.Reconciler
	options haproxy.Options
	set     v1.Set
	origins []*httptest.Server
	lease   *port.Lease
}

func openGate() (*gate, error) {
	lease, err := port.Take()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ls-bench-")
	if err != nil {
		return nil, errors.Join(err, lease.Release())
	}
	g := &gate{set: v1.Set{}, lease: lease, options: haproxy.Options{
		Owner: "bench", Writer: "bench", Binds: []string{lease.Address}, Dir: filepath.Join(dir, "ha"),
		StopOnExit: true, ReloadEvery: time.Nanosecond, Timeout: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
	}}
	g.r, err = haproxy.New(g.options)
	if err != nil {
		return nil, errors.Join(err, lease.Release(), os.RemoveAll(dir))
	}
	return g, nil
}

func (g *gate) close() error {
	err := g.r.Close()
	for _, s := range g.origins {
		s.Close()
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(g.options.Dir)), g.lease.Release())
}

// serve puts a service with a host of its own into the set. Its settings are the
// defaults, unless it is slow: that takes a backend that nobody has prepared.
func (g *gate) serve(name string, slow bool, endpoints ...v1.Endpoint) {
	s := &v1.Service{
		Name: name, ConnectTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		Routes:    []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}, PreserveHost: true}},
		Endpoints: endpoints,
	}
	if slow {
		s.ConnectTimeout = 4 * time.Second
	}
	g.set[name] = s
}

// fleet fills the set with services of four instances each, which nobody asks.
func (g *gate) fleet(services int) {
	for i := range services {
		endpoints := make([]v1.Endpoint, 4)
		for j := range endpoints {
			address := netip.AddrFrom4([4]byte{127, 1, byte(i / 250), byte(1 + i%250)})
			endpoints[j] = endpoint(fmt.Sprintf("e%05d-%d", i, j), netip.AddrPortFrom(address, uint16(9000+j))) //nolint:gosec // small
		}
		g.serve(fmt.Sprintf("s%05d", i), true, endpoints...)
	}
}

func endpoint(id string, address netip.AddrPort) v1.Endpoint {
	return v1.Endpoint{ID: id, Instance: id, Address: address, Weight: 100}
}

// origin starts a server that answers with its name.
func (g *gate) origin(name string) (v1.Endpoint, error) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	g.origins = append(g.origins, s)
	address, err := netip.ParseAddrPort(s.Listener.Addr().String())
	return endpoint(name, address), err
}

// apply does one round, as the controller does, over some services or all.
func (g *gate) apply(ctx context.Context, services ...string) error {
	scope, set := reconcilers.Scope{Services: services}, g.set
	if !scope.All() {
		set = v1.Set{}
		for _, name := range services {
			if s := g.set[name]; s != nil {
				set[name] = s
			}
		}
	}
	observed, err := g.r.Observe(ctx, scope)
	if err != nil {
		return err
	}
	wanted, problems := g.r.Compile(scope, set, v1.Shared{})
	if len(problems) > 0 {
		return problems[0]
	}
	outcomes, err := g.r.Apply(ctx, plan.Diff(observed, wanted))
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			return errors.Join(err, *outcome.Problem)
		}
	}
	return err
}

// raw says commands on HAProxy's own socket over one connection, and returns all answers.
func (g *gate) raw(ctx context.Context, socket string, commands ...string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(g.options.Dir, socket))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(g.options.Timeout)); err != nil {
		return "", err
	}
	if socket == "master.sock" {
		commands = append(commands, "quit")
	}
	if _, err := io.WriteString(conn, strings.Join(commands, ";")+"\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// worker is the pid of the process that answers.
func (g *gate) worker(ctx context.Context) (int, error) {
	info, err := g.raw(ctx, "stats.sock", "show info")
	if err != nil {
		return 0, err
	}
	match := regexp.MustCompile(`(?m)^Pid: (\d+)$`).FindStringSubmatch(info)
	if match == nil {
		return 0, fmt.Errorf("haproxy does not tell its pid: %q", info)
	}
	return strconv.Atoi(match[1])
}

// answered asks for a host without a pause until the answer is the wanted one,
// and returns when it was.
func (g *gate) answered(ctx context.Context, host, body string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	last := ""
	for ctx.Err() == nil {
		got, err := g.ask(host, "/")
		if err == nil && got == body {
			return time.Now(), nil
		}
		last = fmt.Sprintf("%q %v", got, err)
	}
	return time.Time{}, fmt.Errorf("%s answers %s, not %q", host, last, body)
}

// ask sends one request over a connection of its own and returns the body of a 200.
func (g *gate) ask(host, path string) (string, error) {
	conn, err := net.Dial("tcp", g.lease.Address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(body), err
}
