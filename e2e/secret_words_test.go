package e2e

import (
	"context"
	"fmt"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// secret authority NAME | issue AUTHORITY NAME HOST… | trust AUTHORITY | prove NAME|nobody |
// shown NAME HOST: certificates, whose files stand in the story's directory; which of them clients
// trust and show; and which one is shown to them.
func secret(ctx context.Context, s story, verb string, args []string) error {
	s.Secrets.Dir = s.MkAbs(".")
	switch {
	case verb == "authority" && len(args) == 1:
		return s.Secrets.Authority(args[0])
	case verb == "issue" && len(args) >= 2:
		return s.Secrets.Issue(args[0], args[1], args[2:]...)
	case verb == "trust" && len(args) == 1:
		return s.Secrets.Trust(args[0])
	case verb == "prove" && len(args) == 1:
		if args[0] == "nobody" {
			return s.Secrets.Show("")
		}
		return s.Secrets.Show(args[0])
	case verb == "shown" && len(args) == 2:
		return harness.Until(ctx, func() error {
			name, err := s.ShownAt(args[1])
			if err == nil && name != args[0] {
				err = fmt.Errorf("the certificate of %s is shown, not of %s", name, args[0])
			}
			return err
		})
	}
	return errUnknown("verb", "secret "+verb)
}

// sealed has a container speak TLS by a certificate.
func sealed(s story, c *stage.Container, name string) error {
	s.Secrets.Dir = s.MkAbs(".")
	chain, key, err := s.Secrets.Pair(name)
	c.Env = append(c.Env, "TLS_CERTIFICATE="+string(chain), "TLS_KEY="+string(key))
	return err
}
