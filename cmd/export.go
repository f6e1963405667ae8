package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/manifests"
)

// exportedManifest is one manifest.
type exportedManifest struct {
	APIVersion string         `json:"apiVersion"` // lockstep.dev/v1
	Kind       string         `json:"kind"`       // Service
	Metadata   map[string]any `json:"metadata"`   // its name
	// Spec has the fields that docs/manifests.md tells.
	Spec map[string]any `json:"spec"`
}

func newExport() *cobra.Command {
	var r reach
	var out output[[]exportedManifest]
	c := &cobra.Command{
		Use:   "export [SERVICE...]",
		Short: "Write what labels ask for as manifests",
		Long: "Export writes each service that labels of running containers make, or those that are named, as a\n" +
			"manifest that asks for the same as these labels: to be reviewed and kept in files from now on. It\n" +
			"reads what the daemon remembers in its state directory, and asks nobody. Take the\n" +
			"labels away afterwards but for enable, service, and what belongs to a container (port,\n" +
			"network, weight, version, drain, maxconn, backup):\n" +
			"  lockstep export shop > manifests/shop.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			memory, err := ledger.Read(ledger.Path(r.stateDir))
			if err != nil {
				return fmt.Errorf("%w; name the daemon's directory with --state-dir, and run this as the user that it has", err)
			}
			services, err := exported(memory, args)
			if err != nil {
				return err
			}
			text, err := manifests.Write(services)
			if err != nil {
				return err
			}
			listed, err := listManifests(text)
			if err != nil {
				return err
			}
			return out.print(c, listed, func(p *printer) { _, p.err = p.out.Write(text) })
		},
	}
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		memory, err := ledger.Read(ledger.Path(r.stateDir))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.Sorted(memory.Services.Keys()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	out.bind(c)
	return withEnvironment(c)
}

// listManifests takes a file of manifests apart.
func listManifests(text []byte) ([]exportedManifest, error) {
	var all []exportedManifest
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var body any
		err := decoder.Decode(&body)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var one exportedManifest
		var encoded []byte
		if err == nil {
			encoded, err = json.Marshal(body)
		}
		if err == nil {
			err = json.Unmarshal(encoded, &one)
		}
		if err != nil {
			return nil, fmt.Errorf("list what is exported: %w", err)
		}
		all = append(all, one)
	}
}

// exported returns the named services as labels ask for them, sorted; all when none is named.
func exported(memory *ledger.Ledger, names []string) ([]*v1.Service, error) {
	if len(names) == 0 {
		for _, name := range slices.Sorted(memory.Services.Keys()) {
			if memory.Services.Get(name).Until.IsZero() { // it has instances
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no service that labels make is remembered; see lockstep status, or name the daemon's directory with --state-dir")
	}
	var out []*v1.Service
	for _, name := range names {
		remembered, has := memory.Services.Lookup(name)
		if !has {
			return nil, fmt.Errorf("no service %q is remembered; see lockstep status for their names", name)
		}
		service := remembered.Settings
		service.Name = name
		out = append(out, &service)
	}
	return out, nil
}
