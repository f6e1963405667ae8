// Package e2e plays stories on a real Docker Engine, a real HAProxy and the
// real lockstep binary. Each file in testdata is one story; README.md beside it
// lists the words that stories are written in.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// worldKey is where a script keeps its World, holdersKey the ports it took.
type (
	worldKey   struct{}
	holdersKey struct{}
)

func TestScripts(t *testing.T) {
	options := props(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         t.TempDir(), // removed also after a failure
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setup(t, env, options) },
		Cmds:                words(),
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Getuid() == 0, nil
			case "real-kong":
				return harness.UsesRealKong(), nil
			}
			return false, errUnknown("condition", name)
		},
	})
}

// props builds what all stories share: the binary and the sample's image.
func props(t *testing.T) harness.Options {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end stories are long")
	}
	dir := t.TempDir()
	options := harness.Options{Binary: filepath.Join(dir, "lockstep")}
	build(t, options.Binary, "github.com/lockstep/lockstep")
	sample := filepath.Join(dir, "sample")
	build(t, sample, "github.com/lockstep/lockstep/internal/sampleapp/sample")

	s, err := stage.Open(t.Context(), "", "lockstep-e2e")
	if err != nil {
		t.Fatal(err)
	}
	options.Image = fmt.Sprintf("lockstep-e2e:%d", os.Getpid())
	if err := s.Image(t.Context(), options.Image, sample); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		if err := s.RemoveImage(ctx, options.Image); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return options
}

func build(t *testing.T, path, pkg string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// setup gives a script its World, and its settings as variables, so that
// `exec lockstep status` speaks of the script's own daemon.
func setup(t *testing.T, env *testscript.Env, options harness.Options) error {
	t.Helper()
	options.DBLess = strings.Contains(filepath.Base(env.WorkDir), "dbless")
	options.Chain = strings.Contains(filepath.Base(env.WorkDir), "chain")
	if why, err := harness.Unplayable(options.DBLess); err != nil {
		return err
	} else if why != "" {
		env.T().Skip(why)
	}
	w, err := harness.New(context.Background(), options)
	env.Defer(func() {
		if err := w.Close(); err != nil {
			t.Errorf("story %s left something behind: %v", w.ID, err)
		}
	})
	if err != nil {
		return err
	}
	taken := holders{}
	env.Values[worldKey{}], env.Values[holdersKey{}] = w, taken
	w.OnClose(func() error {
		var problems []error
		for _, listener := range taken {
			problems = append(problems, listener.Close())
		}
		return errors.Join(problems...)
	})
	path := filepath.Dir(options.Binary) + string(os.PathListSeparator) + os.Getenv("PATH")
	env.Setenv("PATH", path+string(os.PathListSeparator)+"/usr/sbin")
	env.Setenv("ID", w.ID)
	env.Setenv("PREFIX", w.Prefix())
	env.Setenv("IMAGE", options.Image)
	env.Setenv("STATE", w.StateDir())
	env.Setenv("HAPROXY", w.Proxies.HAProxy)
	env.Setenv("SPARE", w.Spare)
	env.Setenv("SPARE_PORT", w.Spare[strings.LastIndexByte(w.Spare, ':')+1:])
	env.Setenv("TLS", w.Proxies.TLS)
	env.Setenv("KONG_PROXY", w.Kong.ProxyURL())
	for name, sizes := range sizes {
		size := sizes[0]
		if os.Getenv("LOCKSTEP_SOAK") != "" {
			size = sizes[1]
		}
		env.Setenv(name, size)
	}
	for name, value := range w.Settings() {
		env.Setenv(name, value)
	}
	return nil
}

// sizes are how much a story does of what it does for long, by the variable that
// tells it: with every run of the tests, and where LOCKSTEP_SOAK is set.
var sizes = map[string][2]string{
	"TURNS":      {"6", "50"},   // copies that are replaced
	"CROWD":      {"24", "200"}, // containers that start and stop
	"CHURN":      {"40", "2m"},  // how often they do, or for how long
	"RELOADS":    {"20", "20"},
	"STORM_TIME": {"2s", "10s"},
}

// own gives labels that are written with the product's prefix the story's own.
func own(w *harness.World, label string) string {
	if rest, ok := strings.CutPrefix(label, "lockstep."); ok {
		return w.Prefix() + rest
	}
	return label
}
