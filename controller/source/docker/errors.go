package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/portless"
)

// ErrNotFound is returned by Lookup when no container answers to the name.
var ErrNotFound = errors.New("no such container")

var (
	errSilent = errors.New("the event stream went silent and the daemon does not answer a ping")
	errDeaf   = errors.New("the event stream did not tell of changes that a full list found")
	errEnded  = errors.New("the event stream ended; a proxy in between may cut idle streams (see docs/docker-socket.md)")
	errSlow   = errors.New("no answer in time")
)

// trouble is an error of the connection as a user should read it: where, what,
// and what to do.
type trouble struct {
	text  string
	cause error
}

func (t *trouble) Error() string { return t.text }
func (t *trouble) Unwrap() error { return t.cause }

// advise says what went wrong with the Engine and what to do about it.
func (c connection) advise(err error) error {
	var text string
	switch {
	case errors.Is(err, os.ErrPermission):
		text = fmt.Sprintf("may not use the Docker daemon at %s: permission denied; run as a user that may read the socket (group docker) or set --docker-host", c.host)
	case errdefs.IsPermissionDenied(err), errdefs.IsUnauthorized(err):
		text = fmt.Sprintf("the Docker daemon at %s refuses a request: %v; a socket proxy must let through what docs/docker-socket.md lists", c.host, err)
	case client.IsErrConnectionFailed(err):
		ask := "is it running, and does it listen there for this machine?"
		if strings.HasPrefix(c.host, "unix://") {
			ask = "is it running? may this user read the socket?"
		}
		text = fmt.Sprintf("cannot connect to the Docker daemon at %s: %s if it is elsewhere, set --docker-host", c.host, ask)
		if inner := root(err); inner != "" {
			text += " (" + inner + ")"
		}
	default:
		text = fmt.Sprintf("docker daemon at %s: %v", c.host, err)
	}
	return &trouble{text: v1.OneLine(portless.Text(text)), cause: err}
}

// root returns what the operating system said, where the SDK has kept it.
func root(err error) string {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	if client.IsErrConnectionFailed(err) || len(err.Error()) > 200 {
		return ""
	}
	// The SDK's own sentence says what ours says already.
	if text := err.Error(); len(text) < 14 || text[:14] != "Cannot connect" {
		return text
	}
	return ""
}

// timely names a deadline of ours for what it is; the SDK says "context
// deadline exceeded", which tells a user nothing.
func timely(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, errSlow)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the answer broke off: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
