package cmd

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
			made := manifests.Schema(kind)
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
