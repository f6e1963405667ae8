package cmd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/manifests"
)

// configured returns settings that a Config, variables and args say together.
func configured(t *testing.T, spec string, variables map[string]string, args ...string) (*settings, *pflag.FlagSet, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lockstep.yaml")
	text := "apiVersion: lockstep.dev/v1\nkind: Config\nmetadata: {name: test}\nspec:\n" + spec
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, flags := bound(t, append(args, "--config", path)...)
	lookup := func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
	if err := fromEnvironment(flags, lookup); err != nil {
		t.Fatal(err)
	}
	return s, flags, fromConfig(flags)
}

func TestFlagsAndVariablesWinOverTheFile(t *testing.T) {
	s, flags, err := configured(t, "  owner: file\n  resync: 3m\n  haproxy_bind: [':80', '127.0.0.1:81']\n  haproxy_tcp_ports: [5672, 6000-6001]\n  expose_all: true\n  label_prefix: mine\n  state_dir: /file\n",
		map[string]string{"LOCKSTEP_LABEL_PREFIX": "variable"}, "--owner", "flag")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.owner, s.labelPrefix, s.resync.String(), s.stateDir, strings.Join(s.haproxyBinds, " "), strings.Join(s.haproxyTCPPorts, " ")}
	if diff := cmp.Diff([]string{"flag", "variable", "3m0s", "/file", ":80 127.0.0.1:81", "5672 6000-6001"}, got); diff != "" || !s.exposeAll {
		t.Errorf("expose all %t (-want +got):\n%s", s.exposeAll, diff)
	}
	s.resync = 0
	if err := blame(flags, s.check()); err == nil || !regexp.MustCompile(`--resync is set by .*lockstep.yaml:6:3`).MatchString(err.Error()) {
		t.Errorf("got %v, want the line that has set it", err)
	}
	if asksOtherwise(flags) != true { // --owner does
		t.Error("a flag of the command line is not noticed")
	}
}

// TestConfigSaysWhoIsAsked: a file that is named on the command line and says what a daemon
// would do is planned with; one that says where the daemon is, or is a daemon's own by its
// variable, asks that.
func TestConfigSaysWhoIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		spec      string
		variables map[string]string
		alone     bool
	}{
		"reach":    {"  state_dir: /x\n  listen: ':1'\n", nil, false},
		"more":     {"  state_dir: /x\n  manifests: [m]\n", nil, true},
		"variable": {"  state_dir: /x\n", map[string]string{"LOCKSTEP_OWNER": "other"}, false},
	} {
		_, flags, err := configured(t, c.spec, c.variables)
		if err != nil {
			t.Fatal(err)
		}
		if got := asksOtherwise(flags); got != c.alone {
			t.Errorf("%s: alone %t", name, got)
		}
		if err := flags.SetAnnotation(configFlag, fromVariable, []string{"LOCKSTEP_CONFIG"}); err != nil {
			t.Fatal(err)
		}
		if asksOtherwise(flags) {
			t.Errorf("%s: the variable's file keeps the daemon from being asked", name)
		}
	}
}

func TestFileThatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct{ spec, want string }{
		"unknown":      {"  ownr: a\n", `lockstep.yaml:5:3: unknown field "ownr"`},
		"as a flag":    {"  state-dir: /x\n", `did you mean state_dir?`},
		"no duration":  {"  resync: soon\n", `lockstep.yaml:5:11: resync can't be set`},
		"no truth":     {"  expose_all: perhaps\n", `lockstep.yaml:5:15: expose_all is true or false, not`},
		"a list":       {"  owner: [a, b]\n", `owner can't be set: it has one value, not a list`},
		"nothing":      {"  owner:\n", `lockstep.yaml:5:9: owner is nothing`},
		"a map":        {"  owner: {a: b}\n", `owner is a map, not one value`},
		"itself":       {"  config: other.yaml\n", `unknown field "config"`},
		"twice":        {"  owner: a\n  owner: b\n", `the key "owner" stands there twice`},
		"no port":      {"  haproxy_tcp_ports: [19200, 70000]\n", `lockstep.yaml:5:30: haproxy_tcp_ports: ports "70000" are none`},
		"a port twice": {"  haproxy_tcp_ports:\n    - 19200\n    - 19000-19300\n", `lockstep.yaml:7:7: port 19200 is named twice for labels`},
		"no address":   {"  haproxy_bind: [':80', nonsense]\n", `lockstep.yaml:5:25: haproxy_bind: bind "nonsense"`},
		"no prefix":    {"  label_prefix: ''\n", `lockstep.yaml:5:17: label_prefix is empty`},
		"no guard":     {"  delete_guard: 50\n", `lockstep.yaml:5:17: delete_guard "50" is not understood`},
		"too often":    {"  resync: 1s\n", `lockstep.yaml:5:11: resync 1s is too short`},
		"no range":     {"  trusted_proxies: [10.0.0.0/8, proxy.test]\n", `lockstep.yaml:5:33: trusted_proxies "proxy.test" is neither`},
		"no url":       {"  kong_admin_url: kong:8001\n", `lockstep.yaml:5:19: kong_admin_url "kong:8001" is not an address`},
		"what is none": {"  owner: a\n---\napiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: a}\n", `does not hold one Config and nothing else`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := configured(t, c.spec, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, _, err := configured(t, "  haproxy_tcp_ports: [19200]\n", nil, "--min-resync", "1s", "--resync", "1s"); err != nil {
		t.Error(err)
	}
	_, flags := bound(t, "--config", "/nowhere/lockstep.yaml")
	if err := fromConfig(flags); err == nil || !strings.Contains(err.Error(), "--config: open /nowhere/lockstep.yaml") {
		t.Errorf("a file that is not there gave %v", err)
	}
}

// TestEachFlagHasItsField: what a flag says by default can be said by its field too.
func TestEachFlagHasItsField(t *testing.T) {
	_, flags := bound(t)
	var list []manifests.Setting
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == configFlag {
			return
		}
		s := manifests.Setting{Name: fieldOf(f.Name), Values: []string{f.DefValue}}
		if _, isList := f.Value.(pflag.SliceValue); isList {
			s.Values, s.List = nil, true
		}
		list = append(list, s)
	})
	if problems := applySettings(flags, list); len(problems) > 0 || len(list) < 40 {
		t.Errorf("%d fields: %v", len(list), problems)
	}
	fields, _ := configSchema()["properties"].(map[string]any)
	if len(fields) != len(list) {
		t.Errorf("the schema has %d fields, want %d", len(fields), len(list))
	}
}

// TestPageShowsAConfig holds the example of the page to the flags.
func TestPageShowsAConfig(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?ms)^```yaml\n(apiVersion.*?)^```$").FindSubmatch(page)
	if example == nil {
		t.Fatal("docs/configuration.md shows no Config")
	}
	list, problems := manifests.Settings("example", example[1])
	if problems = append(problems, applySettings(daemonFlags(), list)...); len(problems) > 0 {
		t.Error(problems)
	}
}

// TestEachCheckHasItsFlag: a check of values that no flag has would check nothing.
func TestEachCheckHasItsFlag(t *testing.T) {
	flags := daemonFlags()
	for name, check := range valueChecks(leastResync) {
		flag := flags.Lookup(name)
		if flag == nil {
			t.Errorf("there is no --%s", name)
			continue
		}
		values := []string{flag.DefValue}
		if _, isList := flag.Value.(pflag.SliceValue); isList {
			values = nil
		}
		if err := check(values); err != nil {
			t.Errorf("--%s does not take its default: %v", name, err)
		}
	}
}

// TestPathsOfAFile: what is relative in a Config is so to its directory, and on the
// command line to where that is.
func TestPathsOfAFile(t *testing.T) {
	s, flags, err := configured(t, "  state_dir: state\n  manifests: [m, /etc/m]\n  backend_ca: [all.pem, internal=certs/ca.pem]\n"+
		"  haproxy_binary: haproxy\n  haproxy_config: [../haproxy.cfg]\n  git_path: deploy\n  kong_base: ''\n", nil, "--haproxy-client-ca", "clients.pem")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(s.config)
	got := [][]string{{s.stateDir, s.haproxyBinary, s.git.Path, s.kongBase, s.haproxyClientCA}, s.manifests, s.backendCAs, s.haproxyConfigs}
	want := [][]string{
		{dir + "/state", "haproxy", "deploy", "", "clients.pem"},
		{dir + "/m", "/etc/m"},
		{dir + "/all.pem", "internal=" + dir + "/certs/ca.pem"},
		{filepath.Dir(dir) + "/haproxy.cfg"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var paths []string
	flags.VisitAll(func(f *pflag.Flag) {
		if isPath(f) {
			paths = append(paths, f.Name)
		}
	})
	if diff := cmp.Diff([]string{
		"backend-ca", "config", "control-socket", "git-ca", "git-known-hosts", "git-signed-by", "haproxy-binary", "haproxy-certs", "haproxy-client-ca",
		"haproxy-client-crl", "haproxy-config", "haproxy-dir", "haproxy-errors", "haproxy-master-socket", "haproxy-stats-socket", "kong-admin-ca",
		"kong-admin-cert", "kong-admin-key", "kong-base", "manifests", "state-dir",
	}, paths); diff != "" {
		t.Errorf("paths are (-want +got):\n%s", diff)
	}
}

// TestConfigSaysWhatToDoOnce: the remedy of a value that is not taken is that of its flag.
func TestConfigSaysWhatToDoOnce(t *testing.T) {
	_, _, err := configured(t, "  log_level: loud\n", nil)
	const want = "unknown log_level \"loud\"\n"
	if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "debug, info, warn or error") != 1 || !strings.Contains(err.Error(), "→ use debug, info, warn or error") {
		t.Errorf("got %v", err)
	}
}
