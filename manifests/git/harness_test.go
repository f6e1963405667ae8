package git

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/manifests"
)

// enough is how long a test waits for what must happen, also on a machine with much to do.
const enough = 3 * time.Minute

// clone is a repository with a checkout, worked on with git itself.
type clone struct {
	t   *testing.T
	dir string
	env []string
}

// newClone makes a repository with one commit on main.
func newClone(t *testing.T) *clone {
	t.Helper()
	c := &clone{t: t, dir: t.TempDir(), env: append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+t.TempDir(),
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")}
	c.git("init", "--quiet", "--initial-branch=main")
	return c
}

// git runs git and returns what it says.
func (c *clone) git(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", args...) //nolint:gosec // the test's own words
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *clone) write(path, text string) {
	c.t.Helper()
	full := filepath.Join(c.dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o644)); err != nil { //nolint:gosec // nothing secret
		c.t.Fatal(err)
	}
}

// commit commits all that there is, and returns the commit's id.
func (c *clone) commit(options ...string) string {
	c.t.Helper()
	c.git("add", "--all")
	c.git(append([]string{"commit", "--quiet", "--allow-empty", "-m", "a change"}, options...)...)
	return c.git("rev-parse", "HEAD")
}

// link commits a symbolic link with the next commit.
func (c *clone) link(target, path string) {
	c.t.Helper()
	if err := os.Symlink(target, filepath.Join(c.dir, path)); err != nil {
		c.t.Fatal(err)
	}
}

// hash stores an object as it is, whether it is sound or not, and returns its id.
func (c *clone) hash(kind, text string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", "hash-object", "-t", kind, "-w", "--stdin", "--literally") //nolint:gosec // the test's own words
	cmd.Dir, cmd.Env, cmd.Stdin = c.dir, c.env, strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// bin returns an id as it stands in a tree.
func (c *clone) bin(id string) string {
	c.t.Helper()
	out, err := hex.DecodeString(id)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(out)
}

// service is a manifest of a service that one path leads to.
func service(name, path string) string {
	return fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: %s}\nspec:\n  paths: [%s]\n  endpoints: [{address: '192.0.2.1:80'}]\n", name, path)
}

// follower is a Repository and the Watcher that it feeds.
type follower struct {
	t          *testing.T
	repository *Repository
	watcher    *manifests.Watcher
	registry   *prometheus.Registry
	poke       chan struct{}
	services   map[string]string // by name, their path and the commit they are from
	gone       []string
	stop       func()

	mu     sync.Mutex
	kept   *manifests.Tree
	logged bytes.Buffer
}

// Write implements io.Writer for the log.
func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logged.Write(p)
}

// follow starts to follow, as the daemon does.
func follow(t *testing.T, o Options, folders ...string) *follower {
	t.Helper()
	f := &follower{t: t, poke: make(chan struct{}, 1), services: map[string]string{}, registry: prometheus.NewRegistry()}
	if o.Scratch == "" {
		o.Scratch = t.TempDir()
	}
	o.Log, o.Registerer = slog.New(slog.NewTextHandler(f, nil)), f.registry
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.repository, err = New(o); err != nil {
		t.Fatal(err)
	}
	f.repository.gap = 10 * time.Millisecond
	f.watcher = manifests.New(manifests.Options{
		Folders: folders, Settle: time.Millisecond, Log: o.Log, Registerer: f.registry,
		Repository: true, Tree: f.repository.Remembered(),
		Counts: func(tree *manifests.Tree) error {
			f.repository.Counts(tree)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.kept = tree
			return nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	poke := func() {
		select {
		case f.poke <- struct{}{}:
		default:
		}
	}
	var running sync.WaitGroup
	running.Go(func() { f.ended(ctx, f.watcher.Run(ctx, poke)) })
	running.Go(func() { f.ended(ctx, f.repository.Run(ctx, f.watcher.Offer, poke)) })
	f.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(f.stop)
	return f
}

func (f *follower) ended(ctx context.Context, err error) {
	if ctx.Err() == nil {
		f.t.Errorf("it ended by itself: %v", err)
	}
}

// take adds what is new to what is known.
func (f *follower) take() {
	for name, service := range f.watcher.Take().Services {
		if service == nil {
			delete(f.services, name)
			f.gone = append(f.gone, name)
			continue
		}
		f.services[name] = service.Service.Routes[0].Paths[0] + " " + short(service.Service.Origin.Commit)
	}
}

// until pulls and takes what comes until the condition holds.
func (f *follower) until(what string, holds func() bool) {
	f.t.Helper()
	deadline := time.After(enough)
	f.repository.Pull()
	for f.take(); !holds(); f.take() {
		select {
		case <-f.poke:
		case <-deadline:
			f.t.Fatalf("%s: not so after %s: %v, %+v, %+v", what, enough, f.services, f.watcher.State(), f.repository.State())
		}
	}
}

// has waits until exactly these services are declared, each as "name: /path commit".
func (f *follower) has(want ...string) {
	f.t.Helper()
	f.until("has "+strings.Join(want, ", "), func() bool {
		var got []string
		for name, said := range f.services {
			got = append(got, name+": "+said)
		}
		slices.Sort(got)
		return f.watcher.State().Loaded && slices.Equal(got, want)
	})
}

// complains waits until the state of either names a problem with these words; none: no problem.
func (f *follower) complains(words string) {
	f.t.Helper()
	f.until("complains of "+words, func() bool {
		said := fmt.Sprint(f.watcher.State().Problems, f.repository.State().Problems, f.watcher.State().Error, f.repository.State().Error)
		return words == "" && said == "[] []" || words != "" && strings.Contains(said, words)
	})
}

// remembered returns the tree that counted last, as it is read after a restart.
func (f *follower) remembered() *manifests.Tree {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		return nil
	}
	text, err := json.Marshal(f.kept)
	var read manifests.Tree
	if err = errors.Join(err, json.Unmarshal(text, &read)); err != nil {
		f.t.Fatal(err)
	}
	return &read
}

func (f *follower) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logged.String()
}
