package cmd

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/manifests"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schema of manifests",
		Long: "Schema prints the JSON Schema (draft 7) of manifests, or of those of one kind, for\n" +
			"editors to complete and check them. It is made of the same tables that manifests\n" +
			"are read by. What belongs together, validate says alone.",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: manifests.SchemaKinds(),
		RunE: func(c *cobra.Command, args []string) error {
			kind := ""
			if len(args) > 0 {
				kind = args[0]
			}
			made := manifests.Schema(kind, configSchema())
			if made == nil {
				return fmt.Errorf("there is no kind %q; use one of: %s", kind, strings.Join(manifests.SchemaKinds(), ", "))
			}
			encoder := json.NewEncoder(c.OutOrStdout())
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(made); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	}
}

// configSchema is that of the spec of a Config: a field for each flag of the daemon.
func configSchema() map[string]any {
	fields := map[string]any{}
	daemonFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == configFlag {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		made := map[string]any{"type": []string{"string", "number"}}
		_, isList := f.Value.(pflag.SliceValue)
		switch {
		case f.Value.Type() == "bool":
			made = map[string]any{"enum": []any{true, false, "true", "false"}} // as in the fields of a Service
		case isList:
			item := map[string]any{"type": []string{"string", "number"}}
			made = map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": item}, item}}
		}
		made["description"] = usage
		fields[fieldOf(f.Name)] = made
	})
	return map[string]any{"type": "object", "properties": fields, "additionalProperties": false}
}
