package cmd

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/manifests/git"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
	"github.com/lockstep/lockstep/reconcilers/kong"
)

// valueCheck says what is wrong with the values of one flag, whatever the others say;
// one that is no list has one value. The error names the flag where more than a value
// is shown.
type valueCheck func(values []string) error

// valueChecks are what flags ask of their values beyond their types, by name. Flags,
// variables and the fields of a Config all go through them. least is the shortest
// resync that is taken.
func valueChecks(least time.Duration) map[string]valueCheck {
	return map[string]valueCheck{
		"label-prefix":          one(checkPrefix),
		"owner":                 one(checkOwner),
		"publish-address":       optional(checkPublishAddress),
		"listen":                one(checkListen),
		"resync":                one(func(text string) error { return checkResync(text, least) }),
		"delete-guard":          one(func(text string) error { _, err := parseGuard(text); return err }),
		"log-format":            one(func(text string) error { _, err := newLogger(io.Discard, text, "info"); return err }),
		"log-level":             one(func(text string) error { _, err := newLogger(io.Discard, "text", text); return err }),
		"gateways":              checkWays,
		"kong-admin-url":        each(kong.CheckURL),
		"kong-drift":            func(texts []string) error { _, err := parseDrift(texts); return err },
		"kong-proxy-url":        each(kong.CheckProxyURL),
		"kong-admin-token":      optional(checkReference),
		"git-url":               optional(git.CheckURL),
		"git-password":          optional(checkReference),
		"git-ssh-key":           optional(checkReference),
		"git-webhook-listen":    optional(checkListen),
		"git-webhook-secret":    optional(checkReference),
		"haproxy":               one(checkMode),
		"haproxy-bind":          haproxy.CheckBinds,
		"haproxy-bind-tls":      haproxy.CheckBinds,
		"haproxy-tcp-ports":     haproxy.CheckPorts,
		"haproxy-via-bind":      optional(checkViaBind),
		"haproxy-via-ports":     one(func(text string) error { _, _, err := parseViaPorts(text); return err }),
		"haproxy-via-allow":     each(func(text string) error { _, err := parseViaAllow(text); return err }),
		"haproxy-access-log":    optional(haproxy.CheckAccessLog),
		"haproxy-accept-proxy":  func(texts []string) error { _, err := ranges("--haproxy-accept-proxy", texts); return err },
		"trusted-proxies":       func(texts []string) error { _, err := ranges("--trusted-proxies", texts); return err },
		"backend-ca":            func(texts []string) error { _, err := pemfile.Named(texts); return err },
		"haproxy-stats-socket":  optional(haproxy.CheckSocket),
		"haproxy-master-socket": optional(haproxy.CheckSocket),
	}
}

// each checks values one by one.
func each(check func(string) error) valueCheck {
	return func(values []string) error {
		for _, value := range values {
			if err := check(value); err != nil {
				return err
			}
		}
		return nil
	}
}

// one checks the value of a flag that is no list.
func one(check func(string) error) valueCheck { return each(check) }

// optional is one, for a flag that may be empty.
func optional(check func(string) error) valueCheck {
	return each(func(text string) error {
		if text == "" {
			return nil
		}
		return check(text)
	})
}

// checkValues finds the first flag with a value that it does not take, by name.
func checkValues(f *pflag.FlagSet) error {
	checks := valueChecks(leastOf(f))
	var failed error
	f.VisitAll(func(flag *pflag.Flag) {
		if check := checks[flag.Name]; check != nil && failed == nil {
			values := []string{flag.Value.String()}
			if list, isList := flag.Value.(pflag.SliceValue); isList {
				values = list.GetSlice()
			}
			failed = named(flag.Name, check(values))
		}
	})
	return failed
}

// leastOf returns the shortest --resync that flags allow.
func leastOf(f *pflag.FlagSet) time.Duration {
	least, err := f.GetDuration("min-resync")
	if err != nil { // the command has no such flag
		return leastResync
	}
	return least
}

// spoken finds a flag in an error.
func spoken(flag string) *regexp.Regexp {
	return regexp.MustCompile(`--` + regexp.QuoteMeta(flag) + `([^a-z-]|$)`)
}

// named makes an error name the flag, unless it does.
func named(flag string, err error) error {
	if err == nil || spoken(flag).MatchString(err.Error()) {
		return err
	}
	return fmt.Errorf("--%s: %w", flag, err)
}

// wrongValue returns the first of a field's values that its flag does not take, alone
// or beside those before it, and why, in the words of a Config.
func wrongValue(flag string, check valueCheck, values []string) (at int, why string) {
	if check == nil {
		return 0, ""
	}
	for i := range values {
		if err := check(values[:i+1]); err != nil {
			return i, spoken(flag).ReplaceAllString(named(flag, err).Error(), fieldOf(flag)+"$1")
		}
	}
	return 0, ""
}

func checkPrefix(text string) error {
	if text == "" {
		return fmt.Errorf("--label-prefix is empty; leave it out to have %q", "lockstep.")
	}
	if !prefixPattern.MatchString(text) {
		return fmt.Errorf("--label-prefix %q can't begin a label; use a-z, 0-9, ., _ and -, beginning with a letter or digit", text)
	}
	return nil
}

func checkOwner(text string) error {
	if !ownerPattern.MatchString(text) {
		return fmt.Errorf("--owner %q does not fit; use a-z, 0-9 and -, at most 32 characters, beginning and ending with a letter or digit", text)
	}
	return nil
}

func checkPublishAddress(text string) error {
	if _, err := netip.ParseAddr(text); err != nil {
		return fmt.Errorf("--publish-address %q is no IP address, for example 10.0.0.5", text)
	}
	return nil
}

func checkListen(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%q is no address to listen on, for example 127.0.0.1:9470", text)
	}
	return nil
}

func checkResync(text string, least time.Duration) error {
	resync, err := time.ParseDuration(text)
	if err != nil {
		return err //nolint:wrapcheck // the caller says of what it speaks
	}
	if resync < least {
		return fmt.Errorf("--resync %s is too short; a full comparison costs every gateway something, use %s or more", resync, least)
	}
	return nil
}

func checkMode(text string) error {
	if !slices.Contains([]string{"managed", "external", "off"}, text) {
		return fmt.Errorf("unknown --haproxy %q; use managed, external or off", text)
	}
	return nil
}

func checkWays(texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	if _, err := v1.ParseWays(strings.Join(texts, ",")); err != nil {
		return fmt.Errorf("--gateways %s: %w", strings.Join(texts, ","), err)
	}
	return nil
}

func checkReference(text string) error {
	_, err := manifests.ParseReference(text)
	return err //nolint:wrapcheck // the caller says of what it speaks
}
