package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/sampleapp"
)

// client takes a new connection for each request, as strangers do.
var client = &http.Client{
	Timeout:       10 * time.Second,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true}, // which would cost the daemon more than its answers
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Answer is what came back for one request.
type Answer struct {
	Status   int
	Instance string // of the sample service; "" when the gateway answered itself
	Body     string
	Cookie   string // that the gateway sets; "" for none
}

// Ask sends one GET for host and path to a gateway ("haproxy", "kong", "spare" for the
// World's spare address, or "tls" for HAProxy over TLS), with headers like "Cookie: a=b".
func (w *World) Ask(ctx context.Context, gateway, host, path string, headers ...string) (Answer, error) {
	address, err := w.Address(gateway)
	if err != nil {
		return Answer{}, err
	}
	scheme, client := "http", client
	if gateway == overTLS {
		scheme, client = "https", w.Secrets.client(host)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+path, nil)
	if err != nil {
		return Answer{}, err
	}
	req.Host = host
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		req.Header.Add(name, strings.TrimSpace(value))
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Status: resp.StatusCode, Instance: resp.Header.Get(sampleapp.InstanceHeader), Body: string(body), Cookie: resp.Header.Get("Set-Cookie"),
	}, nil
}

// Address returns where a gateway serves.
func (w *World) Address(gateway string) (string, error) {
	switch gateway {
	case "haproxy":
		return w.Proxies.HAProxy, nil
	case "kong":
		return w.Proxies.Kong, nil
	case overTLS:
		return w.Proxies.TLS, nil
	case "spare":
		return w.Spare, nil
	}
	return "", fmt.Errorf("there is no gateway %q: use haproxy, spare, %s or kong", gateway, overTLS)
}

// overTLS names HAProxy's listener for TLS, where clients trust and show what the
// story's Secrets say.
const overTLS = "tls"

// Serves reports whether every one of a few requests in a row gets that status
// and whether together they reach exactly those instances (in any order; none
// when the gateway itself is to answer). The error says what came instead.
func (w *World) Serves(ctx context.Context, gateway, host, path string, status int, instances ...string) error {
	seen := map[string]bool{}
	for range max(4, 3*len(instances)) {
		answer, err := w.Ask(ctx, gateway, host, path)
		if err != nil {
			return fmt.Errorf("%s http://%s%s: %w", gateway, host, path, err)
		}
		if answer.Status != status {
			return fmt.Errorf("%s http://%s%s answers %d, not %d: %s",
				gateway, host, path, answer.Status, status, strings.TrimSpace(answer.Body))
		}
		if answer.Instance != "" {
			seen[answer.Instance] = true
		}
	}
	got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(slices.Values(instances))
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s http://%s%s reaches %v, not %v", gateway, host, path, got, want)
	}
	return nil
}

// Shares reports whether so many requests are shared between instances as said, in
// per cent; each may be off by five. Nobody else answers.
func (w *World) Shares(ctx context.Context, gateway, host, path string, requests int, shares map[string]float64) error {
	const tolerance = 5
	got := map[string]float64{}
	for range requests {
		answer, err := w.Ask(ctx, gateway, host, path)
		if err != nil || answer.Status != http.StatusOK {
			return errors.Join(fmt.Errorf("%s http://%s%s answers %d", gateway, host, path, answer.Status), err)
		}
		got[answer.Instance] += 100 / float64(requests)
	}
	for name := range shares {
		got[name] += 0 // named where it got nothing
	}
	for name, share := range got {
		if math.Abs(share-shares[name]) > tolerance {
			return fmt.Errorf("%s http://%s%s: %s has %.1f %% of the requests, not %.1f: %v", gateway, host, path, name, share, shares[name], got)
		}
	}
	return nil
}

// Reaches waits until a gateway has an instance answer.
func (w *World) Reaches(ctx context.Context, gateway, host, path, instance string) error {
	return Until(ctx, func() error {
		answer, err := w.Ask(ctx, gateway, host, path)
		if err == nil && answer.Instance != instance {
			err = fmt.Errorf("%s http://%s%s reaches %q, not yet %s", gateway, host, path, answer.Instance, instance)
		}
		return err
	})
}

// Tell sets the health that a container reports, by one request to itself.
func (w *World) Tell(ctx context.Context, container, health string) error {
	addr, err := w.Stage.Address(ctx, container)
	if err != nil {
		return err
	}
	url := "http://" + addr.String() + ":8080" + sampleapp.HealthPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(health))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("container %s answers %s to %s", container, resp.Status, health)
	}
	return nil
}
