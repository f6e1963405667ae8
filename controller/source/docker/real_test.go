package docker

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/lockstep/lockstep/internal/wire"
)

// program is what runs in the containers of these tests. It ends on SIGTERM
// and SIGUSR1, lives on after SIGHUP, and is healthy when the file /ok is there.
// "stubborn" ignores all three. It says that it is up once it does so: before
// that, a signal meets the Go runtime, which ends a program with code 2.
const program = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "health":
			if _, err := os.Stat("/ok"); err != nil {
				os.Exit(1)
			}
		case "well":
			if err := os.WriteFile("/ok", nil, 0o644); err != nil {
				os.Exit(1)
			}
		case "ill":
			os.Remove("/ok")
		case "self":
			name, _ := os.Hostname()
			mounts, _ := os.ReadFile("/proc/self/mountinfo")
			groups, _ := os.ReadFile("/proc/self/cgroup")
			os.Stdout.WriteString(name + "\n===\n" + string(mounts) + "===\n" + string(groups))
		case "stubborn":
			signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGWINCH)
			os.Stdout.WriteString("up\n")
			for range c {
			}
		}
		return
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	os.Stdout.WriteString("up\n")
	for s := range c {
		if s != syscall.SIGHUP {
			return
		}
	}
}
`

// real is a real Docker Engine. Only the tests write to it, with a client of
// their own; everything they make bears a label of their own and is removed.
type real struct {
	t     *testing.T
	cli   *client.Client
	label string // "lockstep-test=…"
	pre   string // prefix of all names
	image string
}

var buildOnce = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "lockstep-docker-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the folder for temporary files
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte(program), 0o600); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "app")
	build := exec.Command("go", "build", "-o", out, main)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GO111MODULE=off")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the containers' program: %w\n%s", err, text)
	}
	binary, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(binary))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(binary); err != nil {
		return nil, err
	}
	return archive.Bytes(), w.Close()
})

// realEngine connects to the Engine of the environment, or skips the test.
func realEngine(t *testing.T) *real {
	t.Helper()
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ping, err := cli.Ping(ctx); err != nil || ping.OSType != "linux" {
		t.Skipf("needs a Docker Engine for Linux containers that this user may use (DOCKER_HOST or the default socket): %v", err)
	}
	pre := fmt.Sprintf("lockstep-test-%d-%d", os.Getpid(), time.Now().UnixNano()%1e9)
	r := &real{t: t, cli: cli, label: "lockstep-test=" + pre, pre: pre, image: pre + ":1"}
	t.Cleanup(r.clean)
	archive, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := cli.ImageImport(context.Background(), image.ImportSource{Source: bytes.NewReader(archive), SourceName: "-"}, r.image, image.ImportOptions{
		Changes: []string{`ENTRYPOINT ["/app"]`, "EXPOSE 8080/tcp", "EXPOSE 9000/tcp", "EXPOSE 9000/udp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer); err != nil {
		t.Fatal(err)
	}
	if err := answer.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *real) clean() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	mine := filters.NewArgs(filters.Arg("label", r.label))
	all, err := r.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	if err != nil {
		r.t.Errorf("clean up: %v", err)
	}
	for _, c := range all {
		if err := r.cli.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}); err != nil {
			r.t.Errorf("clean up: %v", err)
		}
	}
	nets, err := r.cli.NetworkList(ctx, network.ListOptions{Filters: mine})
	if err != nil {
		r.t.Errorf("clean up: %v", err)
	}
	for _, n := range nets {
		if err := r.cli.NetworkRemove(ctx, n.ID); err != nil {
			r.t.Errorf("clean up: %v", err)
		}
	}
	if _, err := r.cli.ImageRemove(ctx, r.image, image.RemoveOptions{Force: true}); err != nil {
		r.t.Errorf("clean up: %v", err)
	}
	if err := r.cli.Close(); err != nil {
		r.t.Errorf("clean up: %v", err)
	}
}

// network makes a network and returns its whole name.
func (r *real) network(name string, o network.CreateOptions) string {
	r.t.Helper()
	o.Labels = map[string]string{"lockstep-test": r.pre}
	if o.Driver == "" {
		o.Driver = "bridge"
	}
	if _, err := r.cli.NetworkCreate(context.Background(), r.pre+"-"+name, o); err != nil {
		r.t.Fatal(err)
	}
	return r.pre + "-" + name
}

// run makes and starts a container, waits until its program is up, and returns its id.
func (r *real) run(name string, edit func(c *container.Config, h *container.HostConfig)) string {
	r.t.Helper()
	id := r.start(name, edit)
	r.up(id, 1)
	return id
}

// up waits until a container's program has said as often as the container was started
// that it is up; only then does it take signals as it is meant to.
func (r *real) up(id string, starts int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	logs, err := r.cli.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, Follow: true})
	r.must(err)
	defer logs.Close()
	said := bufio.NewScanner(logs)
	for n := range starts {
		if !said.Scan() {
			r.t.Fatalf("container %s was up %d times of %d: %v", short(id), n, starts, said.Err())
		}
	}
}

// start makes and starts a container and returns its id, whatever its program does.
func (r *real) start(name string, edit func(c *container.Config, h *container.HostConfig)) string {
	r.t.Helper()
	c := &container.Config{Image: r.image, Labels: map[string]string{"lockstep-test": r.pre, r.pre + ".enable": "true"}}
	h := &container.HostConfig{}
	if edit != nil {
		edit(c, h)
	}
	made, err := r.cli.ContainerCreate(context.Background(), c, h, nil, nil, r.pre+"-"+name)
	if err != nil {
		r.t.Fatal(err)
	}
	r.must(r.cli.ContainerStart(context.Background(), made.ID, container.StartOptions{}))
	return made.ID
}

func (r *real) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// exec runs the program in a container, for its health.
func (r *real) exec(id, word string) {
	r.t.Helper()
	made, err := r.cli.ContainerExecCreate(context.Background(), id, container.ExecOptions{Cmd: []string{"/app", word}})
	r.must(err)
	r.must(r.cli.ContainerExecStart(context.Background(), made.ID, container.ExecStartOptions{}))
}

// options watch this test's containers only, and note every request.
func (r *real) options(seen *requests) Options {
	return Options{LabelPrefix: r.pre + ".", wrap: seen.wrap}
}

// requests notes what is sent, between the SDK and the wire.
type requests struct {
	mu  sync.Mutex
	all map[string]int // method and path
}

func (q *requests) wrap(next http.RoundTripper) http.RoundTripper {
	return wire.Func(func(r *http.Request) (*http.Response, error) {
		q.mu.Lock()
		if q.all == nil {
			q.all = map[string]int{}
		}
		q.all[r.Method+" "+r.URL.Path]++
		q.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// healthcheck is one that the program answers, often.
func healthcheck() *container.HealthConfig {
	return &container.HealthConfig{Test: []string{"CMD", "/app", "health"}, Interval: 100 * time.Millisecond, Timeout: 5 * time.Second, Retries: 1}
}
