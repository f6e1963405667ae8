package sampleapp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// finishWithin bounds how long a service that was told to stop may go on with
// what it has begun; it lies below Docker's default patience of ten seconds.
const finishWithin = 8 * time.Second

// Main runs the command line of a container: nothing to serve, "probe" to ask
// the service on the same host how it is. It returns the exit code.
func Main(args []string) int {
	var err error
	switch {
	case len(args) == 0:
		err = serve()
	case len(args) == 1 && args[0] == "probe":
		err = probe(ports()[0])
	default:
		err = fmt.Errorf("usage: sample [probe]; got %q", args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		return 1
	}
	return 0
}

// serve listens on all ports and ends as ON_TERM says.
func serve() error {
	instance, err := instanceName()
	if err != nil {
		return err
	}
	// Before the first port is open: whoever is answered may count on ON_TERM.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	service := NewService(instance, os.Getenv("HEALTH") != "bad")
	server := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	if server.TLSConfig, err = secret(); err != nil {
		return err
	}
	secure := server.TLSConfig != nil // serving fills it in, for HTTP/2
	failed := make(chan error, len(ports()))
	for _, port := range ports() {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return fmt.Errorf("listen on port %s: %w", port, err)
		}
		go func() {
			if secure {
				failed <- server.ServeTLS(listener, "", "")
				return
			}
			failed <- server.Serve(listener)
		}()
	}
	if err := echoes(instance, failed); err != nil {
		return err
	}
	for {
		select {
		case err := <-failed:
			return err
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				service.hangups.Add(1)
				continue
			}
			if done, err := stop(server, service, os.Getenv("ON_TERM")); done {
				return err
			}
		}
	}
}

// stop ends the server in the way asked for, and reports whether it is over.
func stop(server *http.Server, service *Service, how string) (done bool, err error) {
	switch how {
	case "ignore":
		return false, nil
	case "exit":
		return true, server.Close()
	case "drain":
		service.drained(finishWithin)
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	return true, server.Shutdown(ctx)
}

// drained waits until no request has come for a second, or for as long as limit.
func (s *Service) drained(limit time.Duration) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for now := range tick.C {
		last := max(began.UnixNano(), s.asked.Load())
		if now.Sub(time.Unix(0, last)) > time.Second || now.Sub(began) > limit {
			return
		}
	}
}

func probe(port string) error {
	client, scheme := http.Client{Timeout: 30 * time.Second}, "http"
	if os.Getenv("TLS_CERTIFICATE") != "" {
		scheme = "https"
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it asks itself
	}
	resp, err := client.Get(scheme + "://127.0.0.1:" + port + HealthPath)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("not healthy: " + resp.Status)
	}
	return nil
}

// secret returns what the service speaks TLS by; nil where it speaks none.
func secret() (*tls.Config, error) {
	chain := os.Getenv("TLS_CERTIFICATE")
	if chain == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(chain), []byte(os.Getenv("TLS_KEY")))
	if err != nil {
		return nil, fmt.Errorf("read TLS_CERTIFICATE and TLS_KEY: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func instanceName() (string, error) {
	if name := os.Getenv("INSTANCE"); name != "" {
		return name, nil
	}
	return os.Hostname()
}

func ports() []string {
	if list := os.Getenv("PORTS"); list != "" {
		return strings.Split(list, ",")
	}
	return []string{"8080"}
}

func localPort(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	return port
}
