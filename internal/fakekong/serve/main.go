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
	"strconv"
	"strings"
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
	late := flag.Duration("late", 0, "how long a change of routes and plugins takes until the proxy goes by it")
	groups := flag.Bool("groups", false, "as an edition with consumer groups")
	options := fakekong.Options{}
	flag.StringVar(&options.AdminAddr, "admin", "", "the address of the Admin API, as 127.0.0.1:8001; \"\": a free port")
	flag.StringVar(&options.ProxyAddr, "proxy", "", "the address of the proxy, as 127.0.0.1:8000; \"\": a free port")
	flag.Func("stream", "the ports of stream_listen that it reports, as in 5672,9443/ssl", func(text string) (err error) {
		options.Stream, err = ports(text)
		return err
	})
	eof := flag.Bool("until-eof", false, "end when the standard input does")
	flag.Parse()
	options.RouteDelay, options.PluginDelay, options.Groups = *late, *late, *groups
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

// ports reads a list of ports, those with /ssl for connections with TLS.
func ports(text string) (out []fakekong.StreamListener, err error) {
	for one := range strings.SplitSeq(text, ",") {
		number, tls := strings.CutSuffix(one, "/ssl")
		port, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no port", number)
		}
		out = append(out, fakekong.StreamListener{Port: int(port), TLS: tls})
	}
	return out, nil
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
