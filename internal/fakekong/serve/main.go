// Command serve runs the stand-in for Kong as a program of its own, for tests and
// measurements that go to the Kong at KONG_ADMIN_URL. It prints the two variables
// that lead there, a line each, and ends when it is told to, or when its standard
// input closes where -until-eof says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	dbless := flag.Bool("dbless", false, "without a database")
	rate := flag.Float64("pace", 0, "how many requests a second the Admin API answers at most; 0: no bound")
	late := flag.Duration("route-delay", 0, "how long a change of routes takes until the proxy goes by it")
	eof := flag.Bool("until-eof", false, "end when the standard input does")
	flag.Parse()
	options := fakekong.Options{RouteDelay: *late}
	if *dbless {
		options.Mode = fakekong.DBLess
	}
	k, err := fakekong.New(options) //nolint:contextcheck // it asks nobody: no real Kong is behind it
	if err != nil {
		return err
	}
	defer k.Close()
	if *rate > 0 {
		k.Hook(paced(time.Duration(float64(time.Second) / *rate)))
	}
	fmt.Fprintf(out, "KONG_ADMIN_URL=%s\nKONG_PROXY_URL=%s\n", k.AdminURL, k.ProxyURL)
	if *eof {
		limited, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx = limited
		go func() {
			_, _ = io.Copy(io.Discard, in) // whatever ended it, it has ended
			cancel()
		}()
	}
	<-ctx.Done()
	return nil
}

// paced lets answers be so far apart, as those of a gateway that has no more to give.
func paced(apart time.Duration) fakekong.Hook {
	var (
		mu   sync.Mutex
		next time.Time
	)
	return func(*http.Request) fakekong.Fault {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); next.Before(now) {
			next = now
		}
		next = next.Add(apart)
		return fakekong.Fault{Delay: time.Until(next)}
	}
}
