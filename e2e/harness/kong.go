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

// errRealKong is why some stories are not played on a real Kong.
var errRealKong = errors.New("only the stand-in for Kong can do this")

// Kong is the Kong of a story: the stand-in, or the real one whose Admin API is
// at KONG_ADMIN_URL and whose proxy is at KONG_PROXY_URL.
type Kong struct {
	admin string // URL
	proxy string // host:port
	fake  *fakekong.Kong

	slowed int // writes when Slow was called last
}

// UsesRealKong reports whether stories are played on a real Kong.
func UsesRealKong() bool { return os.Getenv("KONG_ADMIN_URL") != "" }

func startKong(dbless bool) (*Kong, error) {
	if UsesRealKong() {
		proxy, err := url.Parse(os.Getenv("KONG_PROXY_URL"))
		if err != nil || proxy.Host == "" {
			return nil, errors.New("KONG_ADMIN_URL is set: set KONG_PROXY_URL too, to where that Kong serves")
		}
		return &Kong{admin: os.Getenv("KONG_ADMIN_URL"), proxy: proxy.Host}, nil
	}
	options := fakekong.Options{}
	if dbless {
		options.Mode = fakekong.DBLess
	}
	fake, err := fakekong.New(options)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for Kong: %w", err)
	}
	return &Kong{admin: fake.AdminURL, proxy: strings.TrimPrefix(fake.ProxyURL, "http://"), fake: fake}, nil
}

// Close ends the stand-in.
func (k *Kong) Close() error {
	if k.fake == nil {
		return nil
	}
	k.fake.Close()
	return nil
}

// Writes returns how many requests that may change something the Admin API got.
func (k *Kong) Writes() (int, error) {
	if k.fake == nil {
		return 0, errRealKong
	}
	return k.fake.Writes(), nil
}

// World returns everything that the stand-in holds, as text.
func (k *Kong) World() (string, error) {
	if k.fake == nil {
		return "", errRealKong
	}
	return k.fake.World(), nil
}

// Down takes the stand-in off its addresses.
func (k *Kong) Down() error {
	if k.fake == nil {
		return errRealKong
	}
	k.fake.Stop()
	return nil
}

// Up brings it back on the same addresses with what it held.
func (k *Kong) Up() error {
	if k.fake == nil {
		return errRealKong
	}
	return k.fake.Start()
}

// Empty restarts the stand-in without what it held.
func (k *Kong) Empty() error {
	if k.fake == nil {
		return errRealKong
	}
	return k.fake.Restart()
}

// Slow makes every write at the Admin API take that long.
func (k *Kong) Slow(delay time.Duration) error {
	if k.fake == nil {
		return errRealKong
	}
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
	if k.fake == nil {
		return errRealKong
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
