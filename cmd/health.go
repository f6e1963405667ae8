package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthy is what a daemon says that is well.
type healthy struct {
	Says string `json:"says"` // "ok", or "ready" when that was asked
}

func newHealth() *cobra.Command {
	var r reach
	var out output[healthy]
	var ready bool
	c := &cobra.Command{
		Use:   "health",
		Short: "Tell by the exit code whether the daemon lives",
		Long: "Health asks the daemon's /healthz (with --ready: /readyz) and ends with 0 when it\n" +
			"answers that all is well, else with 1. For a container's HEALTHCHECK and for scripts.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			line, err := probe(c.Context(), dialable(r.listen), path)
			if err != nil {
				return err
			}
			return out.print(c, healthy{Says: line}, func(p *printer) { p.line("%s", line) })
		},
	}
	r.bindReach(c.Flags())
	out.bind(c)
	c.Flags().BoolVar(&ready, "ready", false, "ask whether every gateway holds what is desired")
	return withEnvironment(c)
}

// probe returns the answer's first line, or an error when it is no success.
func probe(ctx context.Context, address, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return "", fmt.Errorf("--listen: %w", err)
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return "", fmt.Errorf("%w (%w)", unheard(address), op.Err)
		}
		return "", fmt.Errorf("ask the daemon: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", fmt.Errorf("read the daemon's answer: %w", err)
	}
	line, _, _ := strings.Cut(string(body), "\n")
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s", line)
	}
	return line, nil
}
