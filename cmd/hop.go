package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// hopNames are the names and addresses for which HAProxy proves to Kong who it is without
// being asked for a name. By such a one Kong reaches it; and for a request whose Host is an
// address Kong can't ask, so those that are known to be Kong's are here as well.
func (s *settings) hopNames() []string {
	names := []string{s.chain.viaAddress, "127.0.0.1", "::1", s.publishAddress}
	for _, raw := range append(append([]string{}, s.kongProxyURLs...), s.kongAdminURLs...) {
		if u, err := url.Parse(raw); err == nil {
			names = append(names, u.Hostname())
		}
	}
	var out []string
	for i, name := range names {
		address, err := netip.ParseAddr(name)
		if err == nil || i == 0 {
			out = append(out, name)
		}
		if address.Is6() {
			out = append(out, "["+name+"]") // as a Host has it
		}
	}
	return out
}

// openHop takes the keys by which Kong and HAProxy know each other from the state directory,
// or makes them. A daemon that changes nothing keeps none that it makes.
func (d *daemon) openHop(s *settings, m mode) error {
	if !s.chain.viaTLS {
		return nil
	}
	keys, changed, err := hopOf(s, time.Now())
	if err == nil && changed && m.remembers() {
		err = d.store.SaveHop(keys.Text())
	}
	if err != nil {
		return err
	}
	s.chain.via.TLS = hop.Hold(keys)
	if m.remembers() {
		d.hop = s.chain.via.TLS
	}
	return nil
}

// hopOf returns the keys that are to be in force, and whether they are others than those that
// the state directory holds.
func hopOf(s *settings, now time.Time) (keys *hop.Keys, changed bool, err error) {
	text, err := ledger.Hop(s.stateDir)
	if err != nil {
		return nil, false, err
	}
	if text == nil {
		keys, err = hop.Make(s.hopNames(), now)
		return keys, true, err
	}
	had, err := hop.Parse(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w; restore it, or remove it to have new ones", ledger.HopPath(s.stateDir), err)
	}
	keys, err = had.Renew(s.hopNames(), now)
	return keys, keys != had, err
}

// renewEvery is how often a daemon looks whether keys are to be renewed, which is long
// before their end, and how soon it tries again what failed.
const renewEvery = 12 * time.Hour

// renewHop renews the keys between Kong and HAProxy in time, for as long as ctx lasts.
func (d *daemon) renewHop(ctx context.Context, s *settings, log *slog.Logger) error {
	if d.hop == nil {
		return nil
	}
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			keys, err := d.hop.Keys().Renew(s.hopNames(), now)
			if err == nil && keys != d.hop.Keys() {
				if err = d.store.SaveHop(keys.Text()); err == nil {
					d.hop.Replace(keys)
					log.Info("renewed the certificate between kong and haproxy", "until", keys.Until().Format(time.DateOnly))
				}
			}
			if err != nil {
				log.Warn("the certificate between kong and haproxy can't be renewed", "error", err, "until", d.hop.Keys().Until().Format(time.DateOnly))
			}
		}
	}
}
