package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
)

// onceAway runs apply --once with a Docker Engine and a Kong that are not there, and hands
// each line of its log to heard.
func onceAway(ctx context.Context, t *testing.T, heard func(line string), args ...string) (applied, string, error) {
	t.Helper()
	var stdout bytes.Buffer
	root := New("test")
	root.SetOut(&stdout)
	root.SetErr(listener(heard))
	root.SetArgs(append([]string{
		"apply", "--once", "--output", "json", "--docker-host", "unix:///nowhere/docker.sock",
		"--haproxy", "off", "--kong-admin-url", "http://127.0.0.1:1", "--listen", "127.0.0.1:0",
	}, args...))
	err := root.ExecuteContext(ctx)
	var answer applied
	if stdout.Len() > 0 {
		if wrong := json.Unmarshal(stdout.Bytes(), &answer); wrong != nil {
			t.Errorf("%v: %s", wrong, &stdout)
		}
	}
	return answer, stdout.String(), err
}

// listener is an io.Writer that is a function.
type listener func(text string)

func (l listener) Write(text []byte) (int, error) {
	l(string(text))
	return len(text), nil
}

// TestOnceIsBrokenOff: who ends it before everything is applied gets an error, and the log
// says before what it waited for.
func TestOnceIsBrokenOff(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	_, printed, err := onceAway(ctx, t, func(line string) {
		if strings.Contains(line, "msg=waiting at_most=5m0s for=") && strings.Contains(line, "/nowhere/docker.sock") {
			end()
		}
	}, "--state-dir", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "broken off before everything was applied: ") || !strings.Contains(err.Error(), "/nowhere/docker.sock") {
		t.Errorf("got %v", err)
	}
	if printed != "" {
		t.Errorf("printed %s", printed)
	}
}

// TestOnceEndsInTime: when the time is up, the error and the answer name what is missing.
func TestOnceEndsInTime(t *testing.T) {
	answer, _, err := onceAway(t.Context(), t, func(string) {}, "--state-dir", t.TempDir(), "--timeout", "1ms")
	if err == nil || !strings.Contains(err.Error(), "not done after 1ms: ") {
		t.Errorf("got %v", err)
	}
	if answer.Result != "incomplete" || len(answer.Missing) == 0 {
		t.Errorf("answered %+v", answer)
	}
}

// TestOnceRefusesWrongManifests before it touches anything.
func TestOnceRefusesWrongManifests(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	text := "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {hots: [a.test]}\n"
	if err := os.WriteFile(filepath.Join(folder, "web.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	answer, _, err := onceAway(t.Context(), t, func(string) {}, "--state-dir", state, "--manifests", folder)
	if err == nil || err.Error() != "nothing is applied while manifests are wrong" {
		t.Errorf("got %v", err)
	}
	if answer.Result != "refused" || len(answer.Problems) == 0 || !strings.Contains(answer.Problems[0], "web.yaml:4:") {
		t.Errorf("answered %+v", answer)
	}
	if _, err := os.Stat(state); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory was touched: %v", err)
	}
	if _, _, err := onceAway(t.Context(), t, func(string) {}, "--state-dir", state, "--manifests", filepath.Join(folder, "none")); err == nil || !strings.Contains(err.Error(), "--manifests: ") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestOnceFollowsLinks: folders are followed where they stand, symbolic links with them, though it
// be a checkout.
func TestOnceFollowsLinks(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(t.TempDir(), "web.yaml")
	text := "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {hosts: [a.test]}\n"
	if err := errors.Join(os.Mkdir(filepath.Join(folder, ".git"), 0o700), os.WriteFile(target, []byte(text), 0o600), os.Symlink(target, filepath.Join(folder, "web.yaml"))); err != nil {
		t.Fatal(err)
	}
	answer, _, err := onceAway(t.Context(), t, func(string) {}, "--state-dir", t.TempDir(), "--manifests", folder, "--timeout", "1ms")
	if err == nil || answer.Result != "incomplete" {
		t.Errorf("answered %+v, %v; want that it was begun", answer, err)
	}
}

// TestOnceWithARepository: what files of a folder refer to may stand in the repository; what
// stands in neither is wrong.
func TestOnceWithARepository(t *testing.T) {
	folder, cloned := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@example.com"}, args...)...)
		command.Dir, command.Env = cloned, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, said)
		}
	}
	const kong, head = "_format_version: '3.0'\n", "apiVersion: lockstep.dev/v1\n"
	write(filepath.Join(cloned, "kong.yaml"), kong+"consumers:\n- {username: bob}\n")
	write(filepath.Join(cloned, "web.yaml"), head+"kind: Service\nmetadata: {name: web}\nspec: {hosts: [a.test]}\n")
	git("init", "--quiet", "--initial-branch=main")
	git("add", "--all")
	git("commit", "--quiet", "-m", "first")
	write(filepath.Join(folder, "kong.yaml"), kong+"plugins:\n- {name: cors, consumer: bob}\n")
	write(filepath.Join(folder, "shop.yaml"), head+"kind: Route\nmetadata: {name: shop}\nspec: {service: web, paths: [/shop]}\n")
	refused := func() (answer applied, err error) {
		t.Helper()
		s, _ := bound(t, "--manifests", folder, "--git-url", cloned, "--state-dir", t.TempDir())
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		var printed bytes.Buffer
		c := &cobra.Command{}
		c.SetContext(t.Context())
		c.SetOut(&printed)
		out := output[applied]{format: &format{word: "json"}}
		if err = refuseWrong(c, s, 0, &out); printed.Len() > 0 {
			if wrong := json.Unmarshal(printed.Bytes(), &answer); wrong != nil {
				t.Fatal(wrong)
			}
		}
		return answer, err
	}
	if answer, err := refused(); err != nil {
		t.Errorf("%v: %v", err, answer.Problems)
	}
	write(filepath.Join(folder, "more.yaml"), kong+"plugins:\n- {name: cors, consumer: eve}\n")
	answer, err := refused()
	if err == nil || len(answer.Problems) != 1 || !strings.Contains(answer.Problems[0], "more.yaml:3:") || !strings.Contains(answer.Problems[0], "eve") {
		t.Errorf("%v: %v", err, answer.Problems)
	}
}

// TestOnceSaysThatItWaitsForARepository: who ends it gets an error, and the log says before what
// it waited for.
func TestOnceSaysThatItWaitsForARepository(t *testing.T) {
	folder := t.TempDir()
	text := "_format_version: '3.0'\nplugins:\n- {name: cors, consumer: bob}\n"
	if err := os.WriteFile(filepath.Join(folder, "kong.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	_, _, err := onceAway(ctx, t, func(line string) {
		if strings.Contains(line, "msg=waiting for=") && strings.Contains(line, "/x.git can't be followed") {
			end()
		}
	}, "--state-dir", t.TempDir(), "--manifests", folder, "--git-url", "https://127.0.0.1:1/x.git", "--timeout", "0")
	if err == nil || !strings.Contains(err.Error(), "whether manifests are wrong is not known without the repository: ") || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}

// TestWhatIsWrong: mistakes and refusals are, how containers are just now is not.
func TestWhatIsWrong(t *testing.T) {
	routed := func(reason v1.Reason) status.Report {
		verdicts := []desired.Verdict{{Gateway: v1.Kong, Reason: reason}}
		return status.Report{Services: []status.Service{{Standing: desired.Standing{Routes: []desired.RouteStanding{{Verdicts: verdicts}}}}}}
	}
	problems := func(reason v1.Reason) []v1.Problem { return []v1.Problem{{Reason: reason}} }
	of := func(g status.Gateway) status.Report { return status.Report{Gateways: []status.Gateway{g}} }
	for name, c := range map[string]struct {
		report status.Report
		want   bool
	}{
		"nothing":              {status.Report{}, false},
		"conflict":             {routed(v1.Conflict), true},
		"not expressible":      {routed(v1.NotExpressible), true},
		"denied":               {routed(v1.PolicyDenied), true},
		"no container left":    {routed(v1.Draining), false},
		"starts":               {routed(v1.Starting), false},
		"refused by a gateway": {of(status.Gateway{Problems: problems(v1.GatewayRejected)}), true},
		"reported drift":       {of(status.Gateway{Problems: problems(v1.Drifted)}), false},
		"held removal":         {of(status.Gateway{Held: []status.Held{{}}}), true},
		"gateway away":         {of(status.Gateway{Error: "away"}), true},
		"wrong label":          {status.Report{Refused: []status.Refused{{Problems: problems(v1.InvalidLabel)}}}, true},
		"waits for labels":     {status.Report{Waiting: problems(v1.NotRunning)}, false},
		"missing secret":       {status.Report{Sources: []source.State{{Problems: problems(v1.InvalidManifest)}}}, true},
		"wrong commit":         {status.Report{Sources: []source.State{{Refused: "1234"}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isWrong(c.report); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
