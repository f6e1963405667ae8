package manifests

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestKeyIsNamedWhereItStands: what is wrong with a key is told of at the key.
func TestKeyIsNamedWhereItStands(t *testing.T) {
	t.Parallel()
	const chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	first, second := v1.Origin{File: "a.yaml", Line: 5, Column: 16}, v1.Origin{File: "a.yaml", Line: 6, Column: 8}
	for name, c := range map[string]struct {
		chain string
		key   Value
		at    v1.Origin
		fix   string
	}{
		"no key":         {chain, Value{inline: v1.NewSecret(chain), at: second}, second, "in PEM"},
		"no variable":    {chain, Value{env: "LOCKSTEP_TEST_NOT_SET", at: second}, second, "start the daemon anew"},
		"no certificate": {"", Value{inline: v1.NewSecret("x"), at: second}, first, "in PEM"},
	} {
		made := (&revealer{}).certificate(&Certificate{Name: "a", Chain: Value{inline: v1.NewSecret(c.chain), at: first}, Key: c.key})
		if made.problem == nil || made.problem.Origin != c.at || !strings.Contains(made.problem.Fix, c.fix) {
			t.Errorf("%s: %v", name, made.problem)
		}
	}
}
