package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/api/server"
)

// errNoDaemon is returned when no daemon answers where it was looked for.
var errNoDaemon = errors.New("no lockstep answers")

// maxAnswer bounds what is read from the daemon.
const maxAnswer = 256 << 20

// orderPatience is how long an order may take: one about all of a large gateway, or about
// one that does not answer, takes its time.
const orderPatience = 2 * time.Minute

// refusedError is what a daemon answers to what it can't do.
type refusedError struct {
	code    int // HTTP's
	message string
}

func (e refusedError) Error() string { return e.message }

// get asks the daemon's read-only interface and decodes the answer into value.
func (r *reach) get(ctx context.Context, path string, query url.Values, value any) error {
	address := url.URL{Scheme: "http", Host: dialable(r.listen), Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return fmt.Errorf("--listen %q is no address: %w", r.listen, err)
	}
	return exchange(&http.Client{Timeout: 2 * time.Minute}, request, value, unheard(address.Host))
}

// unheard says that no daemon answers at an address.
func unheard(address string) error {
	return fmt.Errorf("%w at %s; start it with lockstep run, or say where it listens with --listen", errNoDaemon, address)
}

// control asks the daemon over its control socket, which alone takes what
// changes something, and answers questions as well. A body that is not nil goes
// along as JSON.
func (r *reach) control(ctx context.Context, method, path string, body, value any) error {
	r.fill()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("ask the daemon: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://lockstep"+path, content)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	client := &http.Client{Timeout: orderPatience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", r.controlSocket)
		},
	}}
	return exchange(client, request, value, fmt.Errorf(
		"%w on %s; start it with lockstep run, or name its socket with --control-socket or --state-dir", errNoDaemon, r.controlSocket))
}

// exchange sends a request; unreachable is what to return when nobody answers.
func exchange(client *http.Client, request *http.Request, value any, unreachable error) (err error) {
	response, err := client.Do(request)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			if errors.Is(op.Err, fs.ErrPermission) {
				return fmt.Errorf("no permission to use %s: it is for its owner alone; run this as the user that lockstep run has, or as root (%w)", op.Addr, op.Err)
			}
			return fmt.Errorf("%w (%w)", unreachable, op.Err)
		}
		if cutOff(err) {
			return fmt.Errorf("the daemon ended before it answered; see in its log why, and ask again when it runs (%w)", err)
		}
		return fmt.Errorf("ask the daemon: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		var failure server.Failure
		if json.Unmarshal(body, &failure) == nil && failure.Error != "" {
			return refusedError{response.StatusCode, failure.Error}
		}
		return fmt.Errorf("%s came for %s, which is no answer of this version's; is the daemon another version, or is something else listening there?", response.Status, request.URL.Path)
	}
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(body, value); err != nil {
		return fmt.Errorf("understand the daemon's answer: %w; is it another version, or is something else listening there?", err)
	}
	return nil
}

// cutOff reports whether a connection ended without an answer, as it does when the
// process at its other end does.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// dialable turns an address to listen on into one to ask: ":9470" means
// every address, of which the loopback one is the nearest.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
