package haproxy

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// documented returns the haproxy.cfg that docs/haproxy.md shows, for userConfig's places.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "haproxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(page), "```") {
		if text, ok := strings.CutPrefix(block, "text\n"); ok && strings.Contains(text, "frontend www") {
			return strings.NewReplacer("/run/haproxy/admin.sock", "DIR/user.sock", "bind :80", "bind ADDRESS", "/etc/haproxy/lockstep/", "DIR/lockstep/").Replace(text)
		}
	}
	t.Fatal("docs/haproxy.md shows no configuration")
	return ""
}

func TestExternalAsDocumented(t *testing.T) {
	b := external(t, documented(t))
	b.want("shop.test", "/", 200, "my own page")
	b.serve("shop", origin(t, "one"))
	b.sync()
	b.want("shop.test", "/", 200, "one")
	b.want("mine.test", "/", 200, "my own page")
}

// userConfig is a haproxy.cfg as somebody could have written it, with defaults
// that our sections must not inherit.
const userConfig = `# my own file: mind the   spaces
global
    stats socket DIR/user.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 1s
    timeout client  5s
    timeout server  5s

frontend www
    mode http
    bind ADDRESS
    use_backend %[req.hdr(host),field(1,:),map_str(DIR/lockstep/hosts.map,mine)]

backend mine
    mode http
    http-request return status 200 content-type text/plain string "my own page"
`

// external returns a bench with a HAProxy that somebody else has started.
func external(t *testing.T, config string) *bench {
	t.Helper()
	needHAProxy(t)
	dir := shortDir(t)
	ours := filepath.Join(dir, "lockstep")
	if err := os.Mkdir(ours, 0o755); err != nil { //nolint:gosec // as docs/haproxy.md says
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ours, disk.Hosts), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	text := strings.NewReplacer("DIR", dir, "ADDRESS", address).Replace(config)
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, set: v1.Set{}, url: "http://" + address}
	b.options = Options{
		Mode: External, Owner: "lockstep-" + filepath.Base(dir)[6:], Writer: "test", Dir: ours, ConfigFiles: []string{file},
		MasterSocket: filepath.Join(dir, "m.sock"), Log: slog.New(slog.DiscardHandler),
	}
	b.start(t)
	b.open()
	t.Cleanup(func() {
		if err := b.r.Close(); err != nil {
			t.Error(err)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != text {
			t.Errorf("the user's file changed: %v\n%s", err, after)
		}
	})
	return b
}

// start runs the external HAProxy until the test ends.
func (b *bench) start(t *testing.T) {
	t.Helper()
	command := exec.Command("haproxy", "-W", "-S", b.options.MasterSocket, "-f", b.options.ConfigFiles[0], "-f", b.options.Dir)
	var output strings.Builder
	command.Stderr = &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = command.Wait() // it was killed
		if t.Failed() {
			text := output.String()
			t.Log(text[max(0, len(text)-2000):])
		}
	})
	b.eventually("HAProxy to start", func() error {
		_, _, err := b.fetch("nobody.test", "/")
		return err
	})
}

func TestExternal(t *testing.T) {
	b := external(t, userConfig)
	b.want("shop.test", "/", 200, "my own page")
	one, two := origin(t, "one"), origin(t, "two")
	b.serve("shop", one)
	b.set["shop"].Routes[0].Paths, b.set["shop"].Routes[0].StripPath = []string{"/api"}, true
	b.sync()
	b.want("shop.test", "/api/x", 200, "one path=/x host=shop.test proto=http for=127.0.0.1")
	b.want("shop.test", "/other", 404, "no route")
	b.want("mine.test", "/", 200, "my own page")

	// A host of a known service comes and goes at runtime, in the user's frontend too.
	next := *b.set["shop"]
	next.Routes = []v1.Route{{Name: "shop.default", Hosts: []string{"shop.test", "new.test"}, PreserveHost: true}}
	b.set["shop"] = &next
	before := b.r.live
	b.sync("shop")
	b.want("new.test", "/", 200, "one")
	b.serve("shop", two)
	b.sync("shop")
	b.want("new.test", "/", 200, "my own page")
	b.want("shop.test", "/", 200, "two")
	if b.r.live != before {
		t.Fatal("HAProxy was reloaded for what moves at runtime")
	}
	b.settled()
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("after a restart: %s", sentences(p))
	}
	if c := b.counts(); c != "" {
		t.Fatalf("looking did %s", c)
	}
}

func TestExternalWithBind(t *testing.T) {
	b := external(t, userConfig)
	address := freeAddress(t)
	b.options.Binds = []string{address}
	b.open()
	b.serve("shop", origin(t, "one"))
	b.sync()
	b.want("shop.test", "/", 200, "one")
	b.url = "http://" + address
	b.want("shop.test", "/", 200, "one path=/ host=shop.test proto=http for=127.0.0.1")
	b.want("mine.test", "/", 404, "no route")
}

func TestBindOfTheUsersFile(t *testing.T) {
	b := external(t, userConfig)
	b.options.Binds = []string{strings.TrimPrefix(b.url, "http://")}
	b.open()
	b.serve("shop", origin(t, "one"))
	failed, err := b.try(reconcilers.Scope{Fresh: true})
	if err != nil || len(failed) == 0 || failed[0].Reason != v1.Conflict || !strings.Contains(failed[0].Message, "frontend www of "+b.options.ConfigFiles[0]) {
		t.Fatalf("%v %v", failed, err)
	}
	b.want("mine.test", "/", 200, "my own page")
}

func TestUsersFilesThatHAProxyRefuses(t *testing.T) {
	b := external(t, userConfig)
	b.serve("shop", origin(t, "one"))
	b.sync()
	good, err := os.ReadFile(b.options.ConfigFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.options.ConfigFiles[0], append(good, "    nonsense\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	b.serve("shop", origin(t, "two"))
	b.serve("other", origin(t, "three"))
	failed, err := b.try(reconcilers.Scope{Services: []string{"other", "shop"}})
	if err != nil || len(failed) != 3 {
		t.Fatalf("%v %v", failed, err)
	}
	for _, f := range failed {
		if f.Reason != v1.GatewayUnreachable || !strings.Contains(f.Message, "nonsense") || !strings.Contains(f.Message, "not ours") {
			t.Fatalf("%v", f)
		}
	}
	b.want("shop.test", "/", 200, "two") // what needs no reload goes on
	if err := os.WriteFile(b.options.ConfigFiles[0], good, 0o600); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.want("other.test", "/", 200, "three")
}

// TestUsersFilesThatNeverWorked: the same where no HAProxy runs that could have
// accepted them before.
func TestUsersFilesThatNeverWorked(t *testing.T) {
	for name, write := range map[string]func(b *bench) (path string){
		"named": func(b *bench) string {
			path := filepath.Join(shortDir(t), "mine.cfg")
			b.options.ConfigFiles = []string{path}
			return path
		},
		"in the directory": func(b *bench) string { return filepath.Join(b.options.Dir, "mine.cfg") },
	} {
		t.Run(name, func(t *testing.T) {
			b := managed(t)
			if err := os.Mkdir(b.options.Dir, 0o755); err != nil { //nolint:gosec // as Lockstep makes it
				t.Fatal(err)
			}
			path := write(b)
			if err := os.WriteFile(path, []byte("defaults\n  mode http\nbackend mine\n  nonsense\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			b.open()
			b.serve("shop", origin(t, "one"))
			failed, err := b.try(reconcilers.Scope{Fresh: true})
			if err != nil || len(failed) == 0 {
				t.Fatalf("%v %v", failed, err)
			}
			for _, f := range failed {
				if f.Reason != v1.GatewayUnreachable || !strings.Contains(f.Message, "not ours ("+path+")") || !strings.Contains(f.Message, path+":4") {
					t.Fatalf("%v", f)
				}
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			b.sync()
			b.want("shop.test", "/", 200, "one")
		})
	}
}

func TestExternalTroubles(t *testing.T) {
	b := external(t, userConfig)
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   []string
	}{
		{"no stats socket", func(o *Options) { o.StatsSocket = o.Dir + "/nope.sock" }, []string{"nope.sock does not exist", "stats socket ", "level admin"}},
		{"no master socket", func(o *Options) { o.MasterSocket = o.Dir + "/nope.sock" }, []string{"master socket", "-W -S ", "--haproxy-master-socket"}},
		{"no program", func(o *Options) { o.Binary = "/nope/haproxy" }, []string{"/nope/haproxy", "install HAProxy 2.6"}},
		{"directory not loaded", func(o *Options) { o.Dir += "2"; o.Owner += "2" }, []string{"does not load the directory", "-f "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := *b
			broken.t = t
			c.change(&broken.options)
			broken.options.Timeout = time.Second
			broken.open()
			broken.r.limit = 3 * time.Second
			defer func() {
				if err := broken.r.Close(); err != nil {
					t.Error(err)
				}
			}()
			wanted, _ := broken.r.Compile(reconcilers.Scope{}, v1.Set{}, v1.Shared{})
			text := ""
			observed, err := broken.r.Observe(t.Context(), reconcilers.Scope{})
			if err == nil {
				outcomes, applied := broken.r.Apply(t.Context(), diff(observed, wanted))
				err = applied
				for _, outcome := range outcomes {
					if outcome.Problem != nil {
						text += outcome.Problem.Error()
					}
				}
			}
			if err != nil {
				text += err.Error()
			}
			for _, part := range c.want {
				if !strings.Contains(text, part) {
					t.Errorf("%q lacks %q", text, part)
				}
			}
		})
	}
}
