package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestLifeReal follows containers of a real Engine through what happens to
// them, sends nothing but reads while it does, and says how fast it was.
func TestLifeReal(t *testing.T) {
	r := realEngine(t)
	ctx := context.Background()
	one := r.network("one", network.CreateOptions{})
	two := r.network("two", network.CreateOptions{})
	r.run("before", nil)
	seen := &requests{}
	w := begin(t, r.options(seen))
	name := func(n string) string { return r.pre + "-" + n }
	w.sees(name("before"))

	var a, b string
	is := func(n string, ok func(i snapshot.Instance) bool) func() bool {
		return func() bool { i := w.one(name(n)); return i.ID != "" && ok(i) }
	}
	gone := func(n string) func() bool { return func() bool { return w.one(name(n)).ID == "" } }
	steps := []struct {
		name string
		do   func()
		then func() bool
	}{
		{"start", func() {
			a = r.run("a", func(c *container.Config, h *container.HostConfig) {
				h.NetworkMode, c.Healthcheck = container.NetworkMode(one), healthcheck()
			})
		}, is("a", func(i snapshot.Instance) bool { return len(i.Ports) == 2 && i.Networks[0].Name == one })},
		{"unhealthy", func() {}, is("a", func(i snapshot.Instance) bool { return i.Health == snapshot.Unhealthy })},
		{"healthy", func() { r.exec(a, "well") }, is("a", func(i snapshot.Instance) bool { return i.Health == snapshot.Healthy })},
		{"pause", func() { r.must(r.cli.ContainerPause(ctx, a)) }, is("a", func(i snapshot.Instance) bool { return i.Paused })},
		{"unpause", func() { r.must(r.cli.ContainerUnpause(ctx, a)) }, is("a", func(i snapshot.Instance) bool { return !i.Paused })},
		{"connect", func() { r.must(r.cli.NetworkConnect(ctx, two, a, nil)) }, is("a", func(i snapshot.Instance) bool { return len(i.Networks) == 2 })},
		{"disconnect", func() { r.must(r.cli.NetworkDisconnect(ctx, one, a, false)) }, is("a", func(i snapshot.Instance) bool { return len(i.Networks) == 1 && i.Networks[0].Name == two })},
		{"rename", func() { r.must(r.cli.ContainerRename(ctx, a, name("z"))) }, is("z", func(i snapshot.Instance) bool { return i.ID == a })},
		{"reload, then stop", func() {
			r.must(r.cli.ContainerKill(ctx, a, "HUP"))
			r.must(r.cli.ContainerStop(ctx, a, container.StopOptions{}))
		}, gone("z")},
		{"start again", func() {
			r.must(r.cli.ContainerStart(ctx, a, container.StartOptions{}))
			r.up(a, 2)
		}, is("z", func(i snapshot.Instance) bool { return i.Stopping == "" })},
		{"restart", func() { r.must(r.cli.ContainerRestart(ctx, a, container.StopOptions{})) }, is("z", func(i snapshot.Instance) bool { return i.Stopping == "" })},
		{"a stop signal of its own", func() {
			b = r.run("b", func(c *container.Config, _ *container.HostConfig) {
				c.StopSignal, c.Cmd = "SIGUSR1", []string{"stubborn"}
			})
			r.must(r.cli.ContainerKill(ctx, b, "HUP"))
			r.must(r.cli.ContainerKill(ctx, b, "USR1"))
		}, is("b", func(i snapshot.Instance) bool { return i.Stopping == "SIGUSR1" })},
		{"kill", func() { r.must(r.cli.ContainerKill(ctx, b, "KILL")) }, gone("b")},
		{"the host's network", func() {
			r.run("h", func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = "host" })
		}, is("h", func(i snapshot.Instance) bool { return i.HostNetwork && len(i.Networks) == 0 && len(i.Ports) == 2 })},
		{"another one's network", func() {
			r.run("j", func(c *container.Config, h *container.HostConfig) {
				h.NetworkMode = container.NetworkMode("container:" + a)
			})
		}, is("j", func(i snapshot.Instance) bool { return len(i.Networks) == 1 && i.Networks[0].Name == two })},
		{"remove", func() { r.must(r.cli.ContainerRemove(ctx, a, container.RemoveOptions{Force: true})) }, gone("z")},
	}
	for _, s := range steps {
		s.do()
		w.until(s.name, s.then)
	}
	for _, d := range w.deltas {
		for _, i := range d.Changed {
			if i.ID == a && i.Stopping != "" && i.Stopping != "SIGTERM" && i.Stopping != "SIGKILL" {
				t.Errorf("Stopping = %q; HUP is a reload", i.Stopping)
			}
		}
	}
	for _, call := range seen.templates() {
		if !slices.Contains(allowed, call) {
			t.Errorf("%s is not a request that docs/docker-socket.md lists", call)
		}
	}
	slices.Sort(w.took)
	t.Logf("requests: %v; from event to delta: median %v, worst %v of %d", seen.templates(), w.took[len(w.took)/2], w.took[len(w.took)-1], len(w.took))
}

// TestSelfReal looks at what a process in a real container sees of its container.
func TestSelfReal(t *testing.T) {
	r := realEngine(t)
	ctx := context.Background()
	net := r.network("net", network.CreateOptions{})
	for name, edit := range map[string]func(c *container.Config, h *container.HostConfig){
		"plain":    func(*container.Config, *container.HostConfig) {},
		"named":    func(c *container.Config, _ *container.HostConfig) { c.Hostname = "lockstep" },
		"network":  func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = container.NetworkMode(net) },
		"host-net": func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = "host" },
	} {
		t.Run(name, func(t *testing.T) {
			id := r.start(name, func(c *container.Config, h *container.HostConfig) {
				c.Cmd, c.Tty = []string{"self"}, true // a terminal's log has no frames
				edit(c, h)
			})
			done, failed := r.cli.ContainerWait(ctx, id, container.WaitConditionNotRunning)
			select {
			case <-done:
			case err := <-failed:
				t.Fatal(err)
			}
			logs, err := r.cli.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true})
			r.must(err)
			text, err := io.ReadAll(logs)
			r.must(err)
			r.must(logs.Close())
			parts := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "===\n")
			if len(parts) != 3 {
				t.Fatalf("log: %q", text)
			}
			h := hostView{
				hostname:  func() (string, error) { return strings.TrimSpace(parts[0]), nil },
				mountinfo: func() ([]byte, error) { return []byte(parts[1]), nil },
				cgroup:    func() ([]byte, error) { return []byte(parts[2]), nil },
			}
			if got := h.ownIDs(); len(got) == 0 || got[0] != id {
				t.Errorf("ownIDs = %v, want %s first\n%s", got, id, text)
			}
		})
	}
	if got := realHost().ownIDs(); len(got) > 0 && inNoContainer() {
		t.Errorf("on the host itself: %v", got)
	}
}

// inNoContainer reports whether this test runs on the host.
func inNoContainer() bool {
	text, err := realHost().mountinfo()
	return err == nil && !strings.Contains(string(text), " /etc/hostname ")
}

// TestFakeTellsWhatTheEngineTells plays the same story on the fake and on a real
// Engine, and compares the events: order, type, action, and the names of the attributes.
func TestFakeTellsWhatTheEngineTells(t *testing.T) {
	r := realEngine(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	real := listen(ctx, r.cli, r.pre)
	one, two := r.network("one", network.CreateOptions{}), r.network("two", network.CreateOptions{})
	id := r.run("a", func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = container.NetworkMode(one) })
	r.must(r.cli.NetworkConnect(ctx, two, id, nil))
	r.must(r.cli.NetworkDisconnect(ctx, one, id, false))
	r.must(r.cli.ContainerPause(ctx, id))
	r.must(r.cli.ContainerUnpause(ctx, id))
	r.must(r.cli.ContainerRename(ctx, id, r.pre+"-b"))
	r.must(r.cli.ContainerKill(ctx, id, "HUP"))
	_, err := r.cli.ContainerUpdate(ctx, id, container.UpdateConfig{Resources: container.Resources{CPUShares: 512}})
	r.must(err)
	r.must(r.cli.ContainerRestart(ctx, id, container.StopOptions{}))
	r.up(id, 2)
	r.must(r.cli.ContainerStop(ctx, id, container.StopOptions{}))
	r.must(r.cli.ContainerStart(ctx, id, container.StartOptions{}))
	r.must(r.cli.ContainerRemove(ctx, id, container.RemoveOptions{Force: true}))

	e := fakedocker.New(t)
	conn, err := dial(e.Listen(), nil)
	r.must(err)
	e.Forget()
	fake := listen(ctx, conn.engine, r.pre)
	e.AddNetwork(fakedocker.Network{Name: one})
	e.AddNetwork(fakedocker.Network{Name: two})
	e.Run(fakedocker.Spec{Name: r.pre + "-a", Image: r.image, Network: one, Labels: map[string]string{"lockstep-test": r.pre, r.pre + ".enable": "true"}})
	e.Connect(r.pre+"-a", two)
	e.Disconnect(r.pre+"-a", one)
	e.Pause(r.pre + "-a")
	e.Unpause(r.pre + "-a")
	e.Rename(r.pre+"-a", r.pre+"-b")
	e.Kill(r.pre+"-b", 1)
	e.Update(r.pre + "-b")
	e.Restart(r.pre + "-b")
	e.Stop(r.pre + "-b")
	e.Start(r.pre + "-b")
	e.Remove(r.pre + "-b")

	want, got := <-real, <-fake
	if !strings.HasPrefix(want[len(want)-1], "container destroy ") {
		t.Fatalf("the Engine did not tell all of it:\n%s", strings.Join(want, "\n"))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-Engine +fake\n%s", diff)
	}
}

// listen reads the events of a test's one container and of its networks from now on, up to
// the container's destruction, and gives each as a line. It does not read them afterwards:
// an Engine gives no more than its last 256 again, and others may use it meanwhile.
func listen(ctx context.Context, e engine, pre string) <-chan []string {
	told := make(chan []string, 1)
	since := time.Now()
	stream, ended := e.Events(ctx, events.ListOptions{
		Since:   fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond()),
		Filters: filters.NewArgs(filters.Arg("type", "container"), filters.Arg("type", "network")),
	})
	go func() {
		var lines []string
		defer func() { told <- lines }()
		for id := ""; ; {
			select {
			case m := <-stream:
				if !strings.HasPrefix(m.Actor.Attributes["name"], pre) {
					continue
				}
				if id == "" && m.Type == events.ContainerEventType {
					id = m.Actor.ID
				}
				// Under load the Engine says twice that a container was paused and goes on.
				line := lineOf(m, id)
				if pausing := strings.HasSuffix(string(m.Action), "pause"); !pausing || !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
				if m.Action == events.ActionDestroy {
					return
				}
			case err := <-ended:
				lines = append(lines, fmt.Sprintf("it ended: %v", err))
				return
			}
		}
	}()
	return told
}

// lineOf writes an event with what Docker says of it, but for the container's id.
func lineOf(m events.Message, id string) string {
	attrs := maps.Clone(m.Actor.Attributes)
	if c, ok := attrs["container"]; ok && c == id {
		attrs["container"] = "ID"
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		words = append(words, fmt.Sprintf("%s=%q", k, attrs[k]))
	}
	return fmt.Sprintf("%s %s %s", m.Type, m.Action, strings.Join(words, " "))
}
