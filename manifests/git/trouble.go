package git

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/portless"
)

// explain turns an error of a look into what an operator needs: what is wrong, and
// what to do. What a server said is cut to one short line.
func explain(err error, a address) string {
	ssh := a.scheme == overSSH
	switch {
	case knownhosts.IsHostUnknown(err):
		return fmt.Sprintf("the key of %s is in no known_hosts, so it could be anybody; compare what ssh-keyscan prints for it with what its owner publishes, and write that into the file of --git-known-hosts", a.endpoint.Host)
	case knownhosts.IsHostKeyChanged(err):
		return fmt.Sprintf("%s shows another key than known_hosts has for it: somebody may stand between; ask its owner, and correct the file of --git-known-hosts if the key was changed", a.endpoint.Host)
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return "the server wants to know who asks, or does not know the password; name where a password or token stands with --git-password, and see that it may read the repository"
	case ssh && strings.Contains(err.Error(), "unable to authenticate"):
		return "the server does not know the key of --git-ssh-key; add its .pub to those that may read the repository"
	case strings.Contains(err.Error(), "certificate signed by unknown authority"):
		return fmt.Sprintf("the certificate of %s is not to be believed: certificate signed by unknown authority; name the file of its authority's certificate with --git-ca", a.endpoint.Host)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return "the server has no such repository, or shows it to others only; correct --git-url, or name where a password or token stands with --git-password"
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return "the repository is empty; push a commit"
	}
	return v1.OneLine(portless.Text(err.Error()))
}

// unfitError says of a commit that it can't be taken, whatever else is done.
type unfitError struct{ why, fix string }

func (e *unfitError) Error() string { return e.why + "; " + e.fix }

// unfit returns an unfitError; fix says what to do.
func unfit(fix, format string, parts ...any) error {
	return &unfitError{why: fmt.Sprintf(format, parts...), fix: fix}
}
