package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/api/server"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/source/folder"
	"github.com/lockstep/lockstep/controller/source/repository"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/git"
)

// gitSettings are the flags of the repository that manifests come from.
type gitSettings struct {
	git.Options
	hookListen string
	hookSecret string
}

func (g *gitSettings) bind(f *pflag.FlagSet) {
	f.StringVar(&g.URL, "git-url", "", "`url` of a repository of manifests, which is followed: https://, ssh://, git@host:path or file://")
	f.StringVar(&g.Ref, "git-ref", "", "`name` of the branch or tag that is followed, or the whole id of a commit, which stays (default: the repository's own branch)")
	f.StringVar(&g.Path, "git-path", "", "`directory` of manifests within the repository (default: all of it)")
	f.DurationVar(&g.Interval, "git-interval", time.Minute, "how often the repository is asked for something new; 0: only when the webhook says so")
	f.StringVar(&g.Username, "git-username", "", "`name` to ask with over https (default: the one in the URL, else git)")
	f.StringVar(&g.Password, "git-password", "", "where the password or token stands, or what opens the ssh key: `/path` of a file, or env:NAME")
	f.StringVar(&g.SSHKey, "git-ssh-key", "", "where the private key for ssh stands: `/path` of a file, or env:NAME")
	f.StringVar(&g.KnownHosts, "git-known-hosts", "", "`file` of the keys of hosts, for ssh (default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)")
	f.StringVar(&g.Authority, "git-ca", "", "`file` of certificates that vouch for the server, besides the system's")
	f.StringVar(&g.SignedBy, "git-signed-by", "", "`file` of OpenPGP or ssh public keys; only a commit that one of them has signed is taken")
	f.StringVar(&g.hookListen, "git-webhook-listen", "", "`address` that takes the calls of GitHub, GitLab or Gitea at "+server.HookPath+", as :9471 (default: none)")
	f.StringVar(&g.hookSecret, "git-webhook-secret", "", "where the webhook's secret stands: `/path` of a file, or env:NAME")
}

// named reports whether there is a repository.
func (g *gitSettings) named() bool { return g.URL != "" }

// check finds what is wrong with the flags, and makes paths whole.
func (g *gitSettings) check() error {
	if !g.named() {
		for flag, value := range map[string]string{"--git-ref": g.Ref, "--git-path": g.Path, "--git-signed-by": g.SignedBy, "--git-ssh-key": g.SSHKey, "--git-webhook-listen": g.hookListen} {
			if value != "" {
				return fmt.Errorf("%s is given, but no repository; name one with --git-url", flag)
			}
		}
		return nil
	}
	for _, path := range []*string{&g.KnownHosts, &g.Authority, &g.SignedBy} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("%s: %w", *path, err)
		}
		*path = absolute
	}
	if err := g.checkHook(); err != nil {
		return err
	}
	return g.Check()
}

// openRepository makes what follows the repository, and tells the options of the
// manifests' source of it. A daemon that only looks waits longer for a first answer,
// as what it shows would be stale otherwise.
func (d *daemon) openRepository(s *settings, m mode, o *manifests.Options, log *slog.Logger) (*git.Repository, error) {
	options := s.git.Options
	options.Log, options.Registerer = log.With("source", "git"), d.registry
	if m.look {
		options.Patience = patienceSilent - time.Second
	}
	if m.remembers() {
		options.Scratch = s.stateDir
	}
	followed, err := newRepository(s, options)
	if err != nil {
		return nil, err
	}
	o.Repository, o.Tree = true, followed.Remembered()
	o.Counts = func(tree *manifests.Tree) error {
		followed.Counts(tree)
		if m.remembers() {
			return d.saved("repository", d.store.SaveTree(tree))
		}
		return nil
	}
	return followed, nil
}

// newRepository makes what follows the repository and knows what it last said.
func newRepository(s *settings, options git.Options) (*git.Repository, error) {
	var memory manifests.Tree
	has, err := ledger.ReadTree(s.stateDir, &memory)
	if err != nil {
		return nil, err
	}
	if has {
		options.Memory = &memory
	}
	return git.New(options)
}

// firstTree returns what a daemon would begin with: what the repository says now or, where it
// does not answer, what it last said. It waits for that until ctx ends, says in the log what for,
// whenever that is something else, and remembers nothing.
func firstTree(ctx context.Context, s *settings, log *slog.Logger) (*manifests.Tree, error) {
	options := s.git.Options
	options.Log, options.Registerer = slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	repository, err := newRepository(s, options)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	offered := make(chan *manifests.Tree, 1)
	var saying sync.Mutex
	said := ""
	err = repository.Run(ctx, func(tree *manifests.Tree) {
		select {
		case offered <- tree:
		default: // the first one is enough
		}
		stop()
	}, func() {
		saying.Lock()
		defer saying.Unlock()
		if why := repository.State().Error; why != "" && why != said {
			log.Info("waiting", "for", why)
			said = why
		}
	})
	select {
	case tree := <-offered:
		return tree, nil
	default:
		return nil, errors.New(cmp.Or(repository.State().Error, err.Error()))
	}
}

// manifestMemory returns what the files of manifests last said.
func (d *daemon) manifestMemory(s *settings, m mode) (map[string][]byte, error) {
	if m.remembers() {
		return d.store.LoadManifests()
	}
	return ledger.ReadManifests(s.stateDir)
}

// openManifests adds the folders and the repository of manifests, with what they
// last said.
func (d *daemon) openManifests(s *settings, m mode, log *slog.Logger) error {
	if !s.declares() {
		return nil
	}
	memory, err := d.manifestMemory(s, m)
	if err != nil {
		return err
	}
	options := manifests.Options{
		Folders: s.manifests, Memory: memory, Log: log.With("source", "manifests"), Registerer: d.registry,
	}
	if m.remembers() {
		options.Remember = func(changed map[string][]byte) error { return d.saved("manifests", d.store.SaveManifests(changed)) }
	}
	var followed *git.Repository
	if s.git.named() {
		if followed, err = d.openRepository(s, m, &options, log); err != nil {
			return err
		}
	}
	declared := folder.New(options)
	if followed == nil {
		d.sources = append(d.sources, declared)
		return nil
	}
	// The repository comes first: what ails it is why nothing is declared.
	d.repository = followed
	d.sources = append(d.sources, repository.New(followed, declared.Offer), declared)
	return d.openHook(&s.git, log)
}
