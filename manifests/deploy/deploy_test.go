// Package deploy_test checks the files of this folder against the program: the
// labels, flags and variables that they use must exist and be understood.
package deploy_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/cmd"
)

func load(t *testing.T, profiles []string, files ...string) *types.Project {
	t.Helper()
	var configs []types.ConfigFile
	for _, file := range files {
		configs = append(configs, types.ConfigFile{Filename: file})
	}
	details := types.ConfigDetails{WorkingDir: ".", ConfigFiles: configs, Environment: types.Mapping{}}
	project, err := loader.LoadWithContext(t.Context(), details, func(o *loader.Options) {
		o.SetProjectName("lockstep", true)
		o.Profiles = profiles
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeServices(t *testing.T) {
	quick := []string{"kong", "lockstep", "shop", "shop-api"}
	tests := map[string]struct {
		profiles, files, want []string
	}{
		"as it is":            {nil, []string{"compose.yaml"}, quick},
		"with PostgreSQL":     {[]string{"postgres"}, []string{"compose.yaml"}, append([]string{"kong-database", "kong-migrations"}, quick...)},
		"with a socket proxy": {nil, []string{"compose.yaml", "socket-proxy.yaml"}, append([]string{"socket-proxy"}, quick...)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := load(t, tt.profiles, tt.files...).ServiceNames()
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("services %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSocket checks that nothing but the proxy gets Docker's socket, where there is one.
func TestSocket(t *testing.T) {
	tests := map[string]struct {
		files  []string
		holder string
	}{
		"as it is":            {[]string{"compose.yaml"}, "lockstep"},
		"with a socket proxy": {[]string{"compose.yaml", "socket-proxy.yaml"}, "socket-proxy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var holders []string
			for _, service := range load(t, nil, tt.files...).Services {
				for _, volume := range service.Volumes {
					if volume.Target != "/var/run/docker.sock" {
						continue
					}
					holders = append(holders, service.Name)
					if !volume.ReadOnly {
						t.Errorf("service %s has the socket writable", service.Name)
					}
				}
			}
			if !slices.Equal(holders, []string{tt.holder}) {
				t.Errorf("the socket is held by %v, want %s alone", holders, tt.holder)
			}
		})
	}
}

func TestComposeLabels(t *testing.T) {
	project := load(t, []string{"postgres"}, "compose.yaml")
	grammar := v1.Grammar{Prefix: "lockstep."}
	enabled := map[string]bool{}
	for _, service := range project.Services {
		declaration, problems := grammar.Decode(v1.Subject{
			Container: service.Name, Project: project.Name, Service: service.Name, Labels: service.Labels,
		})
		for _, problem := range problems {
			t.Errorf("service %s: %v", service.Name, problem)
		}
		enabled[service.Name] = declaration.Enabled
	}
	for _, name := range []string{"shop", "shop-api"} {
		if !enabled[name] {
			t.Errorf("service %s has no labels that count", name)
		}
	}
	if enabled["lockstep"] || enabled["kong"] {
		t.Error("a gateway is served as if it were an application")
	}
}

// TestComposeNetworks checks that gateways and samples share the network that the settings name.
func TestComposeNetworks(t *testing.T) {
	project := load(t, nil, "compose.yaml")
	env := project.Services["lockstep"].Environment
	for _, variable := range []string{"LOCKSTEP_KONG_NETWORK", "LOCKSTEP_HAPROXY_NETWORK"} {
		value := env[variable]
		if value == nil || *value != project.Networks["web"].Name {
			t.Errorf("%s does not name the network %s", variable, project.Networks["web"].Name)
		}
	}
	for _, name := range []string{"lockstep", "kong", "shop", "shop-api"} {
		if _, ok := project.Services[name].Networks["web"]; !ok {
			t.Errorf("service %s is not on the network web", name)
		}
	}
}

// TestAdminAPI: Kong's Admin API asks for no password, so no application may
// reach it. It listens on an address of the network "control" alone, and only
// Lockstep, Kong and its database are there.
func TestAdminAPI(t *testing.T) {
	project := load(t, []string{"postgres"}, "compose.yaml")
	address := project.Services["kong"].Networks["control"].Ipv4Address
	listen := project.Services["kong"].Environment["KONG_ADMIN_LISTEN"]
	if listen == nil || address == "" || *listen != address+":8001" {
		t.Errorf("the Admin API listens on more than Kong's address %q on the network control", address)
	}
	subnet, err := netip.ParsePrefix(project.Networks["control"].Ipam.Config[0].Subnet)
	if err != nil || !subnet.Contains(netip.MustParseAddr(address)) {
		t.Errorf("%s is not in %s: %v", address, subnet, err)
	}
	url := project.Services["lockstep"].Environment["LOCKSTEP_KONG_ADMIN_URL"]
	if url == nil || !slices.Contains(project.Services["kong"].Networks["control"].Aliases, strings.TrimSuffix(strings.TrimPrefix(*url, "http://"), ":8001")) {
		t.Error("Lockstep does not reach the Admin API by a name of the network control")
	}
	for _, published := range project.Services["kong"].Ports {
		if published.Target == 8001 {
			t.Error("the Admin API is published")
		}
	}
	for name, service := range project.Services {
		if _, ok := service.Networks["control"]; ok && name != "lockstep" && !strings.HasPrefix(name, "kong") {
			t.Errorf("service %s shares the network control", name)
		}
	}
}

// TestBehindKong: Kong reaches HAProxy on the network "control", at the address at which
// Lockstep is there, and nobody else may.
func TestBehindKong(t *testing.T) {
	for _, files := range [][]string{{"compose.yaml"}, {"compose.yaml", "socket-proxy.yaml"}} {
		project := load(t, nil, files...)
		env := project.Services["lockstep"].Environment
		via, allow := env["LOCKSTEP_HAPROXY_VIA_ADDRESS"], env["LOCKSTEP_HAPROXY_VIA_ALLOW"]
		if at := project.Services["lockstep"].Networks["control"]; via == nil || at == nil || at.Ipv4Address != *via {
			t.Errorf("%v: Kong is to reach HAProxy where Lockstep is not: %+v", files, at)
		}
		if kong := project.Services["kong"].Networks["control"]; allow == nil || *allow != kong.Ipv4Address+"/32" {
			t.Errorf("%v: others than Kong, at %s, reach HAProxy past Kong", files, kong.Ipv4Address)
		}
		if _, ok := project.Services["lockstep"].Networks["web"]; !ok {
			t.Errorf("%v: Lockstep is not on the network web", files)
		}
	}
}

var variable = regexp.MustCompile(`LOCKSTEP_[A-Z_]+`)

// TestVariables checks every LOCKSTEP_… in every file against the flags of run.
func TestVariables(t *testing.T) {
	known := map[string]bool{}
	command(t, "run").Flags().VisitAll(func(f *pflag.Flag) {
		known["LOCKSTEP_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))] = true
	})
	for _, file := range []string{"compose.yaml", "socket-proxy.yaml", "Dockerfile", "lockstep.service"} {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			if !known[name] {
				t.Errorf("%s: %s is the variable of no flag of lockstep run", file, name)
			}
		}
	}
}

// TestCommandLines checks how the image and the unit call the program.
func TestCommandLines(t *testing.T) {
	image, unit := read(t, "Dockerfile"), read(t, "lockstep.service")
	entrypoint := list(t, image, `(?m)^ENTRYPOINT (.*)$`)
	lines := map[string][]string{
		"ENTRYPOINT and CMD": append(entrypoint, list(t, image, `(?m)^CMD (.*)$`)...),
		"HEALTHCHECK":        list(t, image, `(?m)^HEALTHCHECK.* CMD (.*)$`),
		"ExecStart":          strings.Fields(find(t, unit, `(?m)^ExecStart=(.*)$`)),
	}
	for name, line := range lines {
		if line[0] != "lockstep" && line[0] != "/usr/local/bin/lockstep" {
			t.Errorf("%s calls %s", name, line[0])
		}
		found, rest, err := cmd.New("test").Find(line[1:])
		if err != nil || found.Name() != line[1] {
			t.Errorf("%s: lockstep %v is no command: %v", name, line[1:], err)
			continue
		}
		if err := found.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func command(t *testing.T, name string) *cobra.Command {
	t.Helper()
	c, _, err := cmd.New("test").Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func find(t *testing.T, text, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("nothing matches %s", pattern)
	}
	return match[1]
}

func list(t *testing.T, text, pattern string) []string {
	t.Helper()
	var words []string
	if err := json.Unmarshal([]byte(find(t, text, pattern)), &words); err != nil {
		t.Fatal(err)
	}
	return words
}
