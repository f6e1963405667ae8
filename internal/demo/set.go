package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/internal/scratchimage"
	"github.com/lockstep/lockstep/internal/stage"
)

// patience is how long the demo waits for anything.
const patience = 30 * time.Second

// servicePort is what the sample service listens on.
const servicePort = 8080

// set is everything that the demo stands on.
type set struct {
	options Options
	voice   *voice
	stage   *stage.Stage
	image   string
	binary  string // what a user types to run the lockstep binary from here
	dir     string // the state directory and the daemon's log
	haproxy string // host:port
	listen  string // host:port
	kong    string // host:port of the proxy
	admin   string // URL of the Admin API
	fake    *fakekong.Kong
	daemon  *exec.Cmd
	ended   chan error
	leases  []*port.Lease // of the ports of haproxy and listen
}

// newSet sets everything up but the daemon. The set must be struck, also after an error.
func newSet(ctx context.Context, o Options) (*set, error) {
	s := &set{options: o, voice: &voice{out: o.Out, color: o.Color}, image: "lockstep-demo", binary: typed(o.Binary)}
	var err error
	if s.dir, err = os.MkdirTemp("", "lockstep-demo"); err != nil {
		return s, err
	}
	if _, err := exec.LookPath("haproxy"); err != nil {
		return s, errors.New("haproxy is missing: apt-get install haproxy")
	}
	if s.stage, err = stage.Open(ctx, o.DockerHost, "demo"); err != nil {
		return s, err
	}
	if err := s.stage.Clear(ctx); err != nil { // what a demo that was killed left behind
		return s, err
	}
	for _, address := range []*string{&s.haproxy, &s.listen} {
		lease, err := port.Take()
		if err != nil {
			return s, err
		}
		s.leases, *address = append(s.leases, lease), lease.Address
	}
	if err := s.openKong(); err != nil {
		return s, err
	}
	return s, s.stage.Ship(ctx, scratchimage.Image{Tag: s.image, Binary: o.Binary, Args: o.Serve, Ports: []uint16{servicePort}})
}

func (s *set) openKong() error {
	if s.options.KongAdminURL != "" {
		proxy, err := url.Parse(s.options.KongProxyURL)
		if err != nil || proxy.Host == "" {
			return errors.New("KONG_ADMIN_URL names a Kong: let KONG_PROXY_URL say where it serves, for example http://127.0.0.1:8000")
		}
		s.admin, s.kong = s.options.KongAdminURL, proxy.Host
		return nil
	}
	fake, err := fakekong.New(fakekong.Options{})
	if err != nil {
		return err
	}
	s.fake, s.admin, s.kong = fake, fake.AdminURL, strings.TrimPrefix(fake.ProxyURL, "http://")
	return nil
}

// strike ends the daemon, and with it its HAProxy, and removes what was made.
func (s *set) strike() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	problems := []error{s.end()}
	if s.fake != nil {
		s.fake.Close()
	}
	if s.stage != nil {
		problems = append(problems, s.stage.Clear(ctx), s.stage.RemoveImage(ctx, s.image), s.stage.Close())
	}
	if s.dir != "" {
		problems = append(problems, os.RemoveAll(s.dir))
	}
	for _, lease := range s.leases {
		problems = append(problems, lease.Release())
	}
	return errors.Join(problems...)
}

// settings are the daemon's settings, as variables.
func (s *set) settings() []string {
	return []string{
		"LOCKSTEP_DOCKER_HOST=" + s.stage.Host(),
		"LOCKSTEP_LABEL_PREFIX=" + Prefix,
		"LOCKSTEP_OWNER=" + s.stage.ID(),
		"LOCKSTEP_KONG_ADMIN_URL=" + s.admin,
		"LOCKSTEP_HAPROXY_BIND=" + s.haproxy,
		"LOCKSTEP_HAPROXY_STOP_ON_EXIT=true",
		"LOCKSTEP_STATE_DIR=" + filepath.Join(s.dir, "state"),
		"LOCKSTEP_LISTEN=" + s.listen,
	}
}

// begin starts the daemon and waits until it is ready.
func (s *set) begin(ctx context.Context) error {
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	// The context's end must not kill it: it ends HAProxy along, see end.
	s.daemon = exec.Command(s.options.Binary, "run")
	s.daemon.Env = append(os.Environ(), s.settings()...)
	s.daemon.Stdout, s.daemon.Stderr = log, log
	s.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which ends it in order
	if err := s.daemon.Start(); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.daemon.Wait() }()
	return s.until(ctx, func() error {
		select {
		case err := <-s.ended:
			s.ended <- err
			return errors.New("lockstep run has ended")
		default:
		}
		resp, err := get(ctx, "http://"+s.listen+"/readyz", "")
		if err == nil && resp.status != http.StatusOK {
			err = errors.New(resp.body)
		}
		return err
	})
}

// end ends the daemon in order.
func (s *set) end() error {
	if s.ended == nil {
		return nil
	}
	if err := s.daemon.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.ended:
		if err != nil {
			return fmt.Errorf("lockstep run: %w\n%s", err, s.logText())
		}
		return nil
	case <-time.After(patience):
		return errors.Join(errors.New("lockstep run does not end"), s.daemon.Process.Kill())
	}
}

// until waits for a condition and gives up after the demo's patience.
func (s *set) until(ctx context.Context, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w\n%s", patience, err, s.logText())
		case <-tick.C:
		}
	}
}

func (s *set) log() string { return filepath.Join(s.dir, "lockstep.log") }

func (s *set) logText() string {
	data, err := os.ReadFile(s.log())
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// answer is what came back for a request.
type answer struct {
	status         int
	instance, body string
}

// typed returns what to type in the working directory to run a binary: its name
// where PATH leads to it, else the shortest path.
func typed(binary string) string {
	name := filepath.Base(binary)
	if found, err := exec.LookPath(name); err == nil && sameFile(found, binary) {
		return name
	}
	here, err := os.Getwd()
	if err != nil {
		return binary
	}
	relative, err := filepath.Rel(here, binary)
	if err != nil || strings.HasPrefix(relative, "..") {
		return binary
	}
	if !strings.Contains(relative, "/") {
		return "./" + relative
	}
	return relative
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// instanceOf names the instance that answered, or says what else came.
func (a answer) instanceOf() string {
	if a.status == http.StatusOK && a.instance != "" {
		return a.instance
	}
	return fmt.Sprint(a.status)
}
