package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lockstep/lockstep/e2e/harness"
)

// call open NAME ADDRESS INSTANCE [SNI] | talk NAME | ended NAME | hang-up NAME | shows ADDRESS SNI NAME | refused ADDRESS
func call(ctx context.Context, s story, verb string, args []string) error {
	switch {
	case verb == "open" && len(args) == 3:
		return open(ctx, s, args[0], args[1], args[2], "")
	case verb == "open" && len(args) == 4:
		return open(ctx, s, args[0], args[1], args[2], args[3])
	case verb == "shows" && len(args) == 3:
		return harness.Until(ctx, func() error {
			names, err := harness.Shows(ctx, args[0], args[1])
			if err == nil && !slices.Contains(names, args[2]) {
				err = fmt.Errorf("for %s a certificate of %v is shown", args[1], names)
			}
			return err
		})
	case verb == "refused" && len(args) == 1:
		return harness.Until(ctx, func() error {
			if c, err := harness.Dial(ctx, args[0], ""); err == nil {
				return errors.Join(fmt.Errorf("%s answers", c.Instance), c.Close())
			}
			return nil
		})
	case len(args) == 1 && s.Calls[args[0]] != nil:
		return kept(s.Calls[args[0]], verb)
	}
	return errUnknown("verb", "call "+verb)
}

// kept does something with a connection that is kept.
func kept(c *harness.Call, verb string) error {
	switch verb {
	case "talk":
		return c.Talk()
	case "ended":
		return c.Ended()
	case "hang-up":
		return c.Close()
	}
	return errUnknown("verb", "call "+verb)
}

// open connects until the wanted instance answers, and keeps that connection.
func open(ctx context.Context, s story, name, address, instance, sni string) error {
	return harness.Until(ctx, func() error {
		c, err := harness.Dial(ctx, address, sni)
		if err != nil {
			return err
		}
		if c.Instance != instance {
			return errors.Join(fmt.Errorf("%s answers, not %s", c.Instance, instance), c.Close())
		}
		if s.Calls == nil {
			s.Calls = map[string]*harness.Call{}
		}
		s.Calls[name] = c
		return c.Talk()
	})
}
