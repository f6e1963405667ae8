package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestFakeLooksLikeTheEngine compares the answers of the fake with those of a
// real Engine: every field of the fake is there in the real answer, and of the
// same type.
func TestFakeLooksLikeTheEngine(t *testing.T) {
	r := realEngine(t)
	one := r.network("one", network.CreateOptions{})
	id := r.run("a", func(c *container.Config, h *container.HostConfig) {
		h.NetworkMode, c.Healthcheck, c.StopSignal, c.StopTimeout = container.NetworkMode(one), healthcheck(), "SIGTERM", new(1)
		h.PortBindings = nat.PortMap{"8080/tcp": {{HostIP: "127.0.0.1", HostPort: "0"}}}
	})
	e := fakedocker.New(t)
	e.AddNetwork(fakedocker.Network{Name: one})
	fakeID := e.Run(fakedocker.Spec{
		Name: r.pre + "-a", Network: one, Labels: enabled(), Health: "starting", StopSignal: "SIGTERM", StopTimeout: new(1),
		Expose: []string{"8080", "9000"}, Publish: map[string]string{"8080/tcp": "127.0.0.1:18080"},
	})
	engineGet := getter(t, r.cli.Dialer(), "http://docker")
	addr := strings.TrimPrefix(e.Listen(), "tcp://")
	fakeGet := getter(t, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}, "http://"+addr)

	name := `?filters={"name":{"` + r.pre + `":true}}`
	for real, fake := range map[string]string{
		"/v1.41/containers/json" + name:                   "/v1.41/containers/json" + name,
		"/v1.41/containers/" + id + "/json":               "/v1.41/containers/" + fakeID + "/json",
		"/v1.41/networks":                                 "/v1.41/networks",
		"/v1.41/version":                                  "/v1.41/version",
		"/v1.41/containers/no-such/json":                  "/v1.41/containers/no-such/json",
		"/v1.52/version":                                  "/v1.52/version",
		`/v1.41/containers/json?filters={"a":{"b":true}}`: `/v1.41/containers/json?filters={"a":{"b":true}}`,
	} {
		wantStatus, want := engineGet(real)
		gotStatus, got := fakeGet(fake)
		if wantStatus != gotStatus {
			t.Errorf("%s: status %d, the Engine's is %d", real, gotStatus, wantStatus)
		}
		for _, d := range within(got, want, "") {
			t.Errorf("%s: %s", strings.ReplaceAll(real, id, "ID"), d)
		}
	}
}

func getter(t *testing.T, dial func(context.Context) (net.Conn, error), base string) func(path string) (int, any) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}
	return func(path string) (int, any) {
		t.Helper()
		answer, err := c.Get(base + strings.ReplaceAll(path, `"`, "%22"))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var body any
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return answer.StatusCode, body
	}
}

// within says where the fake's value has what the real one has not. Of lists
// one element of the fake's is enough like one of the Engine's, whose order is
// not fixed, and of maps by free names (networks, labels,
// ports) any value will do.
func within(fake, real any, at string) []string {
	if fake == nil || real == nil {
		return nil
	}
	if fmt.Sprintf("%T", fake) != fmt.Sprintf("%T", real) {
		return []string{fmt.Sprintf("%s is a %T, the Engine's a %T", at, fake, real)}
	}
	var diffs []string
	switch f := fake.(type) {
	case map[string]any:
		r, _ := real.(map[string]any) // of the same type, as was just seen
		free := strings.HasSuffix(at, ".Labels") || strings.HasSuffix(at, ".Options")
		for k, v := range f {
			rv, ok := r[k]
			if !ok && !free {
				diffs = append(diffs, fmt.Sprintf("%s.%s is not there in the Engine's answer", at, k))
			}
			diffs = append(diffs, within(v, rv, at+"."+k)...)
		}
	case []any:
		r, _ := real.([]any)
		for i := range r {
			if len(f) == 0 {
				break
			}
			if diffs = within(f[0], r[i], at+"[0]"); len(diffs) == 0 {
				break
			}
		}
	}
	return diffs
}

// TestDocsProxyExample has HAProxy check the example of docs/docker-socket.md.
func TestDocsProxyExample(t *testing.T) {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("needs haproxy in PATH")
	}
	text, err := os.ReadFile("../../../docs/docker-socket.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```haproxy\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the example is gone")
	}
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(haproxy, "-c", "-f", path).CombinedOutput(); err != nil {
		t.Errorf("haproxy -c: %v\n%s", err, out)
	}
}

// TestDocsListRequests holds docs/docker-socket.md to the requests that the
// other tests allow.
func TestDocsListRequests(t *testing.T) {
	text, err := os.ReadFile("../../../docs/docker-socket.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for call := range strings.SplitSeq(cells[1], ",") {
			if call = strings.Trim(call, " `"); strings.HasPrefix(call, "GET ") || strings.HasPrefix(call, "HEAD ") {
				listed[call] = true
			}
		}
	}
	for _, call := range allowed {
		if !listed[call] {
			t.Errorf("docs/docker-socket.md does not list %s", call)
		}
		delete(listed, call)
	}
	for call := range listed {
		t.Errorf("docs/docker-socket.md lists %s, which is never sent", call)
	}
}
