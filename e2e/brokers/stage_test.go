package brokers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/internal/stage"
)

// imageVariable names the image that holds the products.
const imageVariable = "BROKERS_IMAGE"

// site is a daemon with its HAProxy, and a product in containers behind one port.
type site struct {
	*harness.World
	t       *testing.T
	image   string
	binary  string
	address string // of the port
	product string
	inside  uint16 // the product's own port
	labels  map[string]string
	env     []string
}

// open starts the daemon. Labels are those of the product's containers besides
// the usual ones.
func open(t *testing.T, product string, inside uint16, labels map[string]string) *site {
	t.Helper()
	image := os.Getenv(imageVariable)
	if image == "" {
		t.Skipf("%s names no image that holds the products: run make test-brokers", imageVariable)
	}
	s := &site{t: t, image: image, product: product, inside: inside, labels: labels, binary: filepath.Join(t.TempDir(), "lockstep")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.binary, "github.com/lockstep/lockstep")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	lease, err := port.Take()
	if err != nil {
		t.Fatal(err)
	}
	s.address = lease.Address
	s.World, err = harness.New(t.Context(), harness.Options{Binary: s.binary, NoKong: true})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.LogTail())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := lease.Release(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stage.CreateNetwork(t.Context(), "net"); err != nil {
		t.Fatal(err)
	}
	if err := s.Up(t.Context(), "--haproxy-tcp-ports", s.address); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts a copy of the product.
func (s *site) run(name string) {
	s.t.Helper()
	_, outside, err := net.SplitHostPort(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	labels := map[string]string{}
	for key, value := range map[string]string{
		"enable": "true", "service": s.product, "protocol": "tcp", "port": strconv.Itoa(int(s.inside)), "listen": outside, "check_interval": "500ms",
	} {
		labels[s.Prefix()+key] = value
	}
	for key, value := range s.labels {
		labels[s.Prefix()+key] = value
	}
	container := stage.Container{
		Name: name, Image: s.image, Command: []string{"product", s.product}, Env: s.env, Network: "net", Ports: []uint16{s.inside}, Labels: labels,
	}
	if err := s.Stage.Run(s.t.Context(), container); err != nil {
		s.t.Fatal(err)
	}
}

// direct is the address of a copy itself.
func (s *site) direct(name string) string {
	s.t.Helper()
	address, err := s.Stage.Address(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return net.JoinHostPort(address.String(), strconv.Itoa(int(s.inside)))
}

// drain takes a copy out of service, as an operator does.
func (s *site) drain(name string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.binary, "drain", s.Stage.Name(name))
	for key, value := range s.Settings() {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("drain %s: %v\n%s", name, err, out)
	}
}

// stop stops a copy as docker stop does; kill ends it at once.
func (s *site) stop(name string) {
	s.t.Helper()
	if err := s.Stage.Stop(s.t.Context(), name, 30*time.Second); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) kill(name string) {
	s.t.Helper()
	if err := s.Stage.Kill(s.t.Context(), name, "KILL"); err != nil {
		s.t.Fatal(err)
	}
}

// exec runs a command inside a copy.
func (s *site) exec(name string, command ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "docker", append([]string{"exec", s.Stage.Name(name)}, command...)...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+s.Stage.Host())
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s in %s: %v\n%s", strings.Join(command, " "), name, err, out)
	}
}

// oneIsDown says what is wrong unless HAProxy's checks have found exactly one copy
// to be unwell.
func (s *site) oneIsDown() error {
	answer, err := s.Command(s.t.Context(), "stats", "show stat")
	if err != nil {
		return err
	}
	down := 0
	for line := range strings.Lines(answer) {
		if fields := strings.Split(line, ","); len(fields) > 17 && fields[1] != "BACKEND" && strings.HasPrefix(fields[17], "DOWN") {
			down++
		}
	}
	if down != 1 {
		return fmt.Errorf("%d copies are down", down)
	}
	return nil
}

// until waits for a condition, for as long as products may take to start.
func (s *site) until(what string, ok func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited for %s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tally counts what clients did and met.
type tally struct {
	mu      sync.Mutex
	done    int
	by      map[string]int       // what was done by each server
	last    map[string]time.Time // when it was last
	met     map[string]int       // errors, by what they say
	at      time.Time            // the last success
	longest time.Duration        // without one
}

func newTally() *tally {
	return &tally{by: map[string]int{}, last: map[string]time.Time{}, met: map[string]int{}}
}

func (c *tally) success(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.at.IsZero() {
		c.longest = max(c.longest, now.Sub(c.at))
	}
	c.at, c.last[server] = now, now
	c.done++
	c.by[server]++
}

func (c *tally) failure(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := err.Error()
	if i := strings.Index(text, "->"); i >= 0 { // a connection's own ports make each of them another
		if j := strings.Index(text[i:], ": "); j >= 0 {
			text = "…" + text[i+j:]
		}
	}
	c.met[text]++
}

// failures are all errors so far.
func (c *tally) failures() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.met {
		n += times
	}
	return n
}

// more waits until so much more is done.
func (s *site) more(c *tally, n int) {
	s.t.Helper()
	c.mu.Lock()
	goal := c.done + n
	c.mu.Unlock()
	s.until(fmt.Sprintf("%d more", n), func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.done < goal {
			return fmt.Errorf("%d of %d are done, by %v; met %v", c.done, goal, c.by, c.met)
		}
		return nil
	})
}

// left waits until nobody has asked a server for a second.
func (s *site) left(c *tally, server string) {
	s.t.Helper()
	s.until("clients to leave "+server, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if since := time.Since(c.last[server]); since < time.Second {
			return fmt.Errorf("one asked it %s ago", since)
		}
		return nil
	})
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d done, by %v; longest pause %s; met %v", c.done, c.by, c.longest.Round(time.Millisecond), c.met)
}
