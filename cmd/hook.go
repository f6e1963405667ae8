package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/api/server"
	"github.com/lockstep/lockstep/manifests"
)

// checkHook finds what is wrong with the flags of the webhook.
func (g *gitSettings) checkHook() error {
	switch {
	case g.hookListen == "" && g.hookSecret != "":
		return errors.New("--git-webhook-secret is given, but no address for the webhook; name one with --git-webhook-listen")
	case g.hookListen == "" && g.Interval == 0:
		return errors.New("--git-interval 0 waits for the webhook alone, and there is none; name an address for it with --git-webhook-listen")
	case g.hookListen == "":
		return nil
	case g.hookSecret == "":
		return errors.New("--git-webhook-listen needs a secret, without which everybody could call it; name where it stands with --git-webhook-secret")
	}
	if _, err := manifests.ParseReference(g.hookSecret); err != nil {
		return fmt.Errorf("--git-webhook-secret: %w", err)
	}
	return nil
}

// openHook makes what answers the git server's calls, where that is asked for.
func (d *daemon) openHook(g *gitSettings, log *slog.Logger) error {
	if g.hookListen == "" {
		return nil
	}
	where, err := manifests.ParseReference(g.hookSecret)
	if err != nil {
		return fmt.Errorf("--git-webhook-secret: %w", err)
	}
	d.hook = &server.Hook{Secret: where.Reveal, Pull: d.repository.Pull, Log: log.With("source", "git"), Registerer: d.registry}
	d.hookHandler = server.NewHook(*d.hook)
	return nil
}

// serveHook answers the git server's calls until ctx ends, where that is asked for.
// It has an address of its own: that of --listen shows what is served and is not
// for strangers, and a git server is one.
func (d *daemon) serveHook(ctx context.Context, group *errgroup.Group, listen string, log *slog.Logger) error {
	if d.hook == nil {
		return nil
	}
	secret, err := d.hook.Secret()
	if err == nil {
		err = server.CheckHookSecret(secret)
	}
	if err != nil {
		return fmt.Errorf("--git-webhook-secret: %w", err)
	}
	listener, err := listenAt("--git-webhook-listen", listen)
	if err != nil {
		return err
	}
	serve(ctx, group, listener, newServer(ctx, d.hookHandler, callMost))
	log.Info("webhook is open", "listen", listener.Addr().String(), "path", server.HookPath)
	return nil
}
