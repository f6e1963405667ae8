package kong

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
)

// Options say which Kong to keep, and how. The zero value of an optional field
// means its default.
type Options struct {
	// AdminURLs are addresses of the Admin API. With a database they are nodes of
	// one cluster: the next is asked when one is down. Without one, New takes one, and
	// Open keeps each.
	AdminURLs []string
	// Owner marks what is ours: [a-z0-9-], at most 40 characters, not starting or ending with "-".
	Owner string
	// Writer identifies this daemon's state directory: one live writer for an owner.
	// Printable ASCII without "," and "/".
	Writer string
	// Seal is a secret of the state directory, with which digests of secrets are made;
	// default: made of Writer, which everybody can read.
	Seal []byte
	// Unkept says that the seal is of this run alone. What is called by a digest of a
	// secret is called by its place then, so that the next run says the same. For looking alone.
	Unkept bool
	// Takeover lets this writer replace another one's mark once.
	Takeover bool
	// Alone says that no other gateway is kept: what none but another could serve is
	// named then.
	Alone bool
	// Offline says that Kong is never asked: which plugins it has, and what these take, is
	// then left open instead of a reason to leave out what asks for them. For Compile alone.
	Offline bool
	// Workspace is the workspace to work in; default: Kong's default one.
	Workspace string
	// Token, when not nil, gives the admin token that goes with every request. It is
	// never shown.
	Token func() (v1.Secret, error)
	// TLS says what the Admin API must prove and is shown; default: the system's
	// authorities, and nothing.
	TLS *tls.Config
	// ProxyURLs are addresses of Kong's proxy, at which its workers are asked whether they
	// serve what was accepted: any of a cluster's nodes, or the one of each node without a
	// database, in the order of AdminURLs. Default: nobody is asked.
	ProxyURLs []string
	// ProxyTLS says what the proxies must prove, for https; default: the system's authorities.
	ProxyTLS *tls.Config
	// Authorities are files of those that must have issued the certificates of instances:
	// "FILE" for all services, "NAME=FILE" for those that name it. Default: Kong's own.
	Authorities []string
	// Hop are the keys by which Kong and HAProxy know each other, for services that stand
	// behind HAProxy over TLS (v1.Via); default: none.
	Hop *hop.Holder
	// Base is the path of a declarative file with what else a Kong without a database is
	// to hold, in Kong's own format. It stays its writer's, and is read again when it is
	// another one; default: nothing.
	Base string

	authorities map[string]string // of Authorities: paths by name

	// Witness lets the reconciler remember what it left, so that it can tell what others
	// changed (reconcilers.Witness).
	Witness bool

	// Transport carries the requests; default: keep-alive, Concurrency connections.
	Transport http.RoundTripper
	// Concurrency is how many requests are under way at once; default 32.
	Concurrency int
	// Timeout is for one try of a request; default 10 s.
	Timeout time.Duration
	// PushTimeout is for one try of a push without a database; default 60 s.
	PushTimeout time.Duration
	// Attempts is how often a request is tried; default 5.
	Attempts int
	// Pause is the wait before the second try; it doubles with each further one; default 50 ms.
	Pause time.Duration
	// PushInterval is the least time between two pushes without a database; default 1 s.
	PushInterval time.Duration
	// WatchInterval is the time between two looks at the node's state; default 5 s.
	WatchInterval time.Duration
	// MarkAge is how long the writer's mark is believed without reading it again; default 5 s.
	MarkAge time.Duration

	// Log gets what is worth knowing; default: nothing is logged.
	Log *slog.Logger
	// Registerer gets the metrics; default: none.
	Registerer prometheus.Registerer

	metrics *metrics          // those that several reconcilers share; nil: its own
	file    *declaration.File // of Base, likewise; then somebody else follows it
}

// resolve checks the options and fills in the defaults.
func (o Options) resolve() (Options, error) {
	if len(o.AdminURLs) == 0 {
		return o, errors.New("no Kong Admin API is named; set --kong-admin-url")
	}
	for _, raw := range o.AdminURLs {
		if err := CheckURL(raw); err != nil {
			return o, err
		}
	}
	for _, raw := range o.ProxyURLs {
		if err := CheckProxyURL(raw); err != nil {
			return o, err
		}
	}
	if len(o.Owner) > 40 || !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`).MatchString(o.Owner) {
		return o, fmt.Errorf("the owner %q can't be part of Kong's names; use at most 40 of a-z, 0-9 and -", o.Owner)
	}
	if !regexp.MustCompile(`^[!-+\--.0-~]{1,128}$`).MatchString(o.Writer) {
		return o, fmt.Errorf("the writer id %q can't be a tag of Kong; use printable ASCII without commas and slashes", o.Writer)
	}
	setDefault(&o.Concurrency, 32)
	setDefault(&o.Timeout, 10*time.Second)
	setDefault(&o.PushTimeout, time.Minute)
	setDefault(&o.Attempts, 5)
	setDefault(&o.Pause, 50*time.Millisecond)
	setDefault(&o.PushInterval, time.Second)
	setDefault(&o.WatchInterval, 5*time.Second)
	setDefault(&o.MarkAge, 5*time.Second)
	var err error
	if o.authorities, err = pemfile.Named(o.Authorities); err != nil {
		return o, fmt.Errorf("authorities for containers (--backend-ca): %w", err)
	}
	if len(o.Seal) == 0 {
		o.Seal = []byte(o.Writer)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConns:        2 * o.Concurrency * len(o.AdminURLs),
			MaxIdleConnsPerHost: o.Concurrency,
			MaxConnsPerHost:     o.Concurrency + 1, // one for the watcher
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
			TLSClientConfig:     o.TLS,
		}
	}
	return o, nil
}

// client are the options of who asks the Admin API.
func (o Options) client(m *metrics) admin.Options {
	return admin.Options{
		URLs: o.AdminURLs, Workspace: o.Workspace, Token: o.Token, Transport: o.Transport,
		Timeout: o.Timeout, Attempts: o.Attempts, Pause: o.Pause, Metrics: m.admin,
	}
}

// CheckURL says what is wrong with one of Options.AdminURLs. The error repeats no password.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--kong-admin-url %q is not an address like http://127.0.0.1:8001", admin.Redacted(raw))
	}
	return nil
}

// CheckProxyURL says what is wrong with one of Options.ProxyURLs.
func CheckProxyURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("--kong-proxy-url %q is not an address like http://127.0.0.1:8000", admin.Redacted(raw))
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
