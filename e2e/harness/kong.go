package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong"
)

// Kong is the Kong of a story: the stand-in, or the real one whose Admin API is
// at KONG_ADMIN_URL and whose proxy is at KONG_PROXY_URL. Before the real one the
// stand-in passes requests on: it counts them, lets them go wrong, and knows what the
// story made there.
type Kong struct {
	admin string // URL
	proxy string // host:port
	fake  *fakekong.Kong

	slowed int // writes when Slow was called last
}

// UsesRealKong reports whether stories are played on a real Kong.
func UsesRealKong() bool { return os.Getenv("KONG_ADMIN_URL") != "" }

// options are those of a story's Kong, of one mode or the other.
func options(dbless bool) fakekong.Options {
	o := fakekong.Options{Mode: fakekong.Database, AdminOf: os.Getenv("KONG_ADMIN_URL"), ProxyOf: os.Getenv("KONG_PROXY_URL")}
	if dbless {
		o.Mode = fakekong.DBLess
	}
	return o
}

// Unplayable says why stories of a mode can't be played on the real Kong; "" where they can.
func Unplayable(dbless bool) (string, error) {
	if !UsesRealKong() {
		return "", nil
	}
	o := options(dbless)
	o.NoListen = true
	k, err := fakekong.New(o)
	if err != nil {
		return "", err
	}
	defer k.Close()
	if lacks := k.Lacks(o); lacks != "" {
		return "the Kong at KONG_ADMIN_URL does not have " + lacks, nil
	}
	if dbless && k.World() != "" {
		return "the Kong at KONG_ADMIN_URL holds something that a push would remove", nil
	}
	return "", nil
}

func startKong(dbless bool) (*Kong, error) {
	options := options(dbless)
	if UsesRealKong() && options.ProxyOf == "" {
		return nil, errors.New("KONG_ADMIN_URL is set: set KONG_PROXY_URL too, to where that Kong serves")
	}
	fake, err := fakekong.New(options)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for Kong: %w", err)
	}
	proxy, err := url.Parse(fake.ProxyURL)
	if err != nil || proxy.Host == "" {
		fake.Close()
		return nil, fmt.Errorf("KONG_PROXY_URL is no address: %q", fake.ProxyURL)
	}
	return &Kong{admin: fake.AdminURL, proxy: proxy.Host, fake: fake}, nil
}

// Close ends the stand-in; of a real Kong, what the story made there goes.
func (k *Kong) Close() error {
	defer k.fake.Close()
	if !UsesRealKong() {
		return nil
	}
	return k.fake.Clear()
}

// Writes returns how many requests that may change something the Admin API got.
func (k *Kong) Writes() (int, error) { return k.fake.Writes(), nil }

// World returns everything that Kong holds, as text; of a real one, what the story made.
func (k *Kong) World() (string, error) { return k.fake.World(), nil }

// Down takes the Admin API off its address; the stand-in's proxy as well.
func (k *Kong) Down() error {
	k.fake.Stop()
	return nil
}

// Up brings it back on the same address with what it held.
func (k *Kong) Up() error { return k.fake.Start() }

// Empty restarts a Kong without a database without what it held.
func (k *Kong) Empty() error { return k.fake.Restart() }

// Slow makes every write at the Admin API take that long.
func (k *Kong) Slow(delay time.Duration) error {
	k.slowed = k.fake.Writes()
	k.fake.Hook(func(r *http.Request) fakekong.Fault {
		if !(fakekong.Request{Method: r.Method}).Writes() {
			return fakekong.Fault{}
		}
		return fakekong.Fault{Delay: delay}
	})
	return nil
}

// Late has Kong's workers take up routes and plugins that much later from now on.
func (k *Kong) Late(delay time.Duration) error {
	if UsesRealKong() {
		return errors.New("a real Kong takes its own time")
	}
	k.fake.Late(delay, delay)
	return nil
}

// ProxyURL is where Kong serves.
func (k *Kong) ProxyURL() string { return "http://" + k.proxy }

// WrittenSlowly returns how many writes there were since Slow.
func (k *Kong) WrittenSlowly() (int, error) {
	writes, err := k.Writes()
	return writes - k.slowed, err
}

// Put writes into Kong as a stranger.
func (k *Kong) Put(ctx context.Context, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, k.admin+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		return fmt.Errorf("kong answers %s to PUT %s: %s %w", resp.Status, path, text, err)
	}
	return nil
}
