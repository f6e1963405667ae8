package cmd

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are shown in the help of each command, by its name. Those of the
// page of commands, which are the same, are tested.
var examples = map[string]string{
	"run": `
lockstep run --haproxy-bind 127.0.0.1:8080 --state-dir ./state
lockstep run --kong-admin-url http://127.0.0.1:8001 --kong-proxy-url http://127.0.0.1:8000
lockstep run --haproxy off --kong-admin-url http://127.0.0.1:8001 --manifests ./manifests`,
	"plan": `
lockstep plan
lockstep plan --output markdown
lockstep plan --compose compose.yaml --kong-admin-url http://127.0.0.1:8001`,
	"render": `
lockstep render
lockstep render haproxy
lockstep render --dir ./rendered`,
	"apply": `
lockstep apply --once --haproxy-bind :8080
lockstep apply --confirm
lockstep apply --repair`,
	"drain": `
lockstep drain shop-web-1 --timeout 30s
lockstep drain --undo shop-web-1`,
	"pause": `
lockstep pause
lockstep pause kong`,
	"resume": `
lockstep resume kong`,
	"history": `
lockstep history
lockstep history shop.web
lockstep history 3`,
	"rollback": `
lockstep rollback 2 shop.web
lockstep rollback 2 --yes`,
	"release": `
lockstep release shop.web
lockstep release kong:shop.web`,
	"adopt": `
lockstep adopt
lockstep adopt shop.web`,
	"prune": `
lockstep prune --dry-run
lockstep prune --all --kong-admin-url http://127.0.0.1:8001`,
	"status": `
lockstep status
lockstep status --watch
lockstep status --output json`,
	"explain": `
lockstep explain shop-web-1
lockstep explain shop.web
lockstep explain shop.example.com/api
lockstep explain :5672`,
	"export": `
lockstep export shop.web > shop.yaml`,
	"wait": `
lockstep wait shop.web
lockstep wait shop-web-1 --for drained --timeout 2m`,
	"schema": `
lockstep schema > lockstep.schema.json`,
	"validate": `
lockstep validate ./manifests
lockstep validate compose.yaml ./manifests`,
	"health": `
lockstep health --ready`,
	"demo": `
lockstep demo
lockstep demo --keep`,
	"man": `
lockstep man ~/.local/share/man/man1`,
	"version": `
lockstep version --output json`,
}

// exemplify gives each command its examples.
func exemplify(root *cobra.Command) {
	for _, c := range root.Commands() {
		if text := strings.TrimSpace(examples[c.Name()]); text != "" {
			c.Example = "  " + strings.ReplaceAll(text, "\n", "\n  ")
		}
	}
}
