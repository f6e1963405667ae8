package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// word is what one word of a story does: the verb and its arguments.
type word func(ctx context.Context, s story, verb string, args []string) error

// story is one script with its World.
type story struct {
	*testscript.TestScript
	*harness.World
}

func errUnknown(what, name string) error { return fmt.Errorf("there is no %s %q", what, name) }

// words returns the words that stories are written in. A word that is denied
// with "!" must fail.
func words() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]word{
		"container":        container,
		"containers":       containers,
		"network":          network,
		"daemon":           daemon,
		"haproxy":          haproxy,
		"kong":             kong,
		"eventually":       eventually,
		"eventually-says":  eventuallySays,
		"eventually-exits": eventuallyExits,
		"get":              get,
		"shares":           shares,
		"template":         template,
		"traffic":          traffic,
		"load":             load,
		"call":             call,
		"metric":           metric,
		"gateways":         gateways,
		"exits":            exits,
		"port":             port,
		"disk":             disk,
		"secret":           secret,
	}
	cmds := map[string]func(*testscript.TestScript, bool, []string){}
	for name, do := range all {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			w, ok := ts.Value(worldKey{}).(*harness.World)
			if !ok || len(args) == 0 {
				ts.Fatalf("usage: %s VERB …", name)
			}
			err := do(context.Background(), story{ts, w}, args[0], args[1:])
			switch {
			case neg && err == nil:
				ts.Fatalf("unexpected success")
			case !neg && err != nil:
				ts.Fatalf("%v\n%s", err, w.LogTail())
			}
		}
	}
	return cmds
}

// container run|create|start|stop|kill|pause|unpause|rename|rm|health|address NAME …
func container(ctx context.Context, s story, verb string, args []string) error {
	if verb == "run" || verb == "create" {
		c, err := cast(ctx, s, args)
		if err != nil {
			return err
		}
		if verb == "create" {
			return s.Stage.Create(ctx, c)
		}
		return s.Stage.Run(ctx, c)
	}
	if len(args) == 0 {
		return errors.New("name a container")
	}
	name, last := args[0], args[len(args)-1]
	switch verb {
	case "start":
		return s.Stage.Start(ctx, name)
	case "stop":
		return s.Stage.Stop(ctx, name, 10*time.Second)
	case "kill":
		return s.Stage.Kill(ctx, name, last)
	case "pause":
		return s.Stage.Pause(ctx, name)
	case "unpause":
		return s.Stage.Unpause(ctx, name)
	case "rename":
		return s.Stage.Rename(ctx, name, last)
	case "rm":
		return s.Stage.Remove(ctx, name)
	case "health":
		return s.Tell(ctx, name, last)
	case "address": // into the variable ADDRESS
		address, err := s.Stage.Address(ctx, name)
		s.Setenv("ADDRESS", address.String())
		return err
	}
	return errUnknown("verb", "container "+verb)
}

// cast reads the flags and labels of container run.
func cast(ctx context.Context, s story, args []string) (stage.Container, error) {
	c := stage.Container{Image: s.Getenv("IMAGE"), Labels: map[string]string{}, Ports: []uint16{8080}}
	flags := flag.NewFlagSet("container run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.Network, "network", "", "")
	flags.Func("patience", "", func(v string) error {
		seconds, err := strconv.Atoi(v)
		c.Patience = time.Duration(seconds) * time.Second
		return err
	})
	flags.Func("secret", "", func(name string) error { return sealed(s, &c, name) })
	flags.Func("env", "", func(v string) error { c.Env = append(c.Env, v); return nil })
	flags.BoolFunc("health", "", func(string) error { c.Probe = []string{"/app", "probe"}; return nil })
	flags.Func("ports", "", func(list string) error {
		c.Ports = nil
		for text := range strings.SplitSeq(list, ",") {
			port, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return err
			}
			c.Ports = append(c.Ports, uint16(port))
		}
		c.Env = append(c.Env, "PORTS="+list)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() == 0 {
		return c, errors.New("name the container")
	}
	c.Name = flags.Arg(0)
	for _, label := range flags.Args()[1:] {
		key, value, ok := strings.Cut(label, "=")
		if !ok {
			return c, fmt.Errorf("%q is no label: write key=value", label)
		}
		c.Labels[own(s.World, key)] = value
	}
	var err error
	switch c.Network {
	case "":
		c.Network, err = s.Home(ctx)
	case "bridge":
		c.Network = "" // the stage's word for Docker's own
	}
	return c, err
}

// network create NAME | connect NAME CONTAINER | disconnect NAME CONTAINER
func network(ctx context.Context, s story, verb string, args []string) error {
	switch {
	case verb == "create" && len(args) == 1:
		return s.Stage.CreateNetwork(ctx, args[0])
	case verb == "connect" && len(args) == 2:
		return s.Stage.Connect(ctx, args[0], args[1])
	case verb == "disconnect" && len(args) == 2:
		return s.Stage.Disconnect(ctx, args[0], args[1])
	}
	return errUnknown("verb", "network "+verb)
}

// daemon up|start [FLAG…] | ready | stop | kill | settle | logs PATTERN | hides TEXT
func daemon(ctx context.Context, s story, verb string, args []string) error {
	switch verb {
	case "up":
		return s.Up(ctx, args...)
	case "start":
		return s.Start(args...)
	case "ready":
		return s.Ready(ctx)
	case "stop":
		return s.Stop()
	case "kill":
		return s.Kill()
	case "settle":
		return s.Settle(ctx)
	case "logs":
		return logs(ctx, s, args[0])
	case "logged":
		return logged(s, args)
	case "hides":
		return hides(s, args[0])
	}
	return errUnknown("verb", "daemon "+verb)
}

// eventually GATEWAY HOST/PATH STATUS [INSTANCE…] waits until a few requests in
// a row get that status from exactly those instances. GATEWAY is haproxy, kong,
// or both.
func eventually(ctx context.Context, s story, gateway string, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: eventually GATEWAY HOST/PATH STATUS [INSTANCE…]")
	}
	status, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	host, path := split(args[0])
	for _, g := range expand(gateway) {
		err := harness.Until(ctx, func() error { return s.Serves(ctx, g, host, path, status, args[2:]...) })
		if err != nil {
			return err
		}
	}
	return nil
}

// get GATEWAY HOST/PATH [HEADER…] prints the answer, for stdout to look at; a cookie
// that it sets stands in $COOKIE afterwards.
func get(ctx context.Context, s story, gateway string, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: get GATEWAY HOST/PATH [HEADER…]")
	}
	host, path := split(args[0])
	answer, err := s.Ask(ctx, gateway, host, path, args[1:]...)
	if err != nil {
		return err
	}
	cookie, _, _ := strings.Cut(answer.Cookie, ";")
	s.Setenv("COOKIE", cookie)
	_, err = fmt.Fprintf(s.Stdout(), "%d %s", answer.Status, answer.Body)
	return err
}

// shares GATEWAY HOST/PATH REQUESTS INSTANCE=PERCENT… waits until requests are
// shared like that.
func shares(ctx context.Context, s story, gateway string, args []string) error {
	if len(args) < 3 {
		return errors.New("usage: shares GATEWAY HOST/PATH REQUESTS INSTANCE=PERCENT…")
	}
	host, path := split(args[0])
	requests, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	want := map[string]float64{}
	for _, arg := range args[2:] {
		name, share, _ := strings.Cut(arg, "=")
		if want[name], err = strconv.ParseFloat(share, 64); err != nil {
			return err
		}
	}
	for _, g := range expand(gateway) {
		if err := harness.Until(ctx, func() error { return s.Shares(ctx, g, host, path, requests, want) }); err != nil {
			return err
		}
	}
	return nil
}

// eventually-says PATTERN PROGRAM ARG… runs a program again and again until its
// output has a match for the pattern.
func eventuallySays(ctx context.Context, s story, pattern string, args []string) error {
	says, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		out, err := run(ctx, s, args)
		if !says.Match(out) {
			return fmt.Errorf("%v says, without a match for %q (%w):\n%s", args, pattern, err, out)
		}
		return nil
	})
}

// eventually-exits CODE PROGRAM ARG… runs a program again and again until it ends with
// that code.
func eventuallyExits(ctx context.Context, s story, code string, args []string) error {
	return harness.Until(ctx, func() error {
		out, err := run(ctx, s, args)
		got, err := exitCode(err)
		if err == nil && strconv.Itoa(got) != code {
			err = fmt.Errorf("%v ended with code %d, not %s:\n%s", args, got, code, out)
		}
		return err
	})
}

// run runs a program of the story's, and returns what it says.
func run(ctx context.Context, s story, args []string) ([]byte, error) {
	path, err := look(s, args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir, cmd.Env = s.MkAbs("."), append(os.Environ(), settings(s)...)
	return cmd.CombinedOutput()
}

// exitCode returns the code that a program ended with.
func exitCode(err error) (int, error) {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// look finds a program on the story's PATH.
func look(s story, program string) (string, error) {
	for _, dir := range filepath.SplitList(s.Getenv("PATH")) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on the story's PATH", program)
}

func settings(s story) []string {
	var env []string
	for name, value := range s.Settings() {
		env = append(env, name+"="+value)
	}
	return env
}

// exits CODE PROGRAM ARG… runs a program that must end with that code.
func exits(_ context.Context, s story, code string, args []string) error {
	got, err := exitCode(s.Exec(args[0], args[1:]...))
	if err != nil {
		return err
	}
	if strconv.Itoa(got) != code {
		return fmt.Errorf("%v ended with code %d, not %s", args, got, code)
	}
	return nil
}

// split parts "shop.test/api" into host and path.
func split(target string) (host, path string) {
	host, path, _ = strings.Cut(target, "/")
	return host, "/" + path
}

func expand(gateway string) []string {
	if gateway == "both" {
		return []string{"haproxy", "kong"}
	}
	return []string{gateway}
}
