package haproxy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// readCertificates reads the user's files of certificates anew.
func (r *Reconciler) readCertificates() {
	r.filed, r.lost = crt.Files(r.o.CertificateFiles).Read()
}

// watchedFiles is another text whenever a certificate or an authority of the user's is.
func watchedFiles(o Options) string {
	others := slices.AppendSeq(slices.Collect(maps.Values(o.backendCAs)), maps.Keys(o.clientFiles()))
	return crt.Files(o.CertificateFiles).Signature(others...) + o.stampKeys()
}

// readSecured reads the user's files of certificates and authorities anew.
func (r *Reconciler) readSecured() {
	signature := watchedFiles(r.o) // before they are read: what changes meanwhile is seen again
	r.readCertificates()
	r.rereadAuthorities()
	r.watched.mu.Lock()
	defer r.watched.mu.Unlock()
	r.watched.certificates = signature
}

// certificatesEvery is how often the user's files of certificates are looked at.
const certificatesEvery = time.Second

// watchCertificates pokes when the files are not what they were when they were
// read. They must have rested for one look: chain and key seldom change in one step.
func (r *Reconciler) watchCertificates(ctx context.Context, poke func()) {
	ticker := time.NewTicker(certificatesEvery)
	defer ticker.Stop()
	before := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := watchedFiles(r.o)
		r.watched.mu.Lock()
		read := r.watched.certificates
		r.watched.mu.Unlock()
		if now != read && now == before && read != "" {
			poke()
		}
		before = now
	}
}

// observeCertificates adds what files and process hold, also what somebody
// added to our list in the process: that must go.
func (r *Reconciler) observeCertificates(state plan.State) {
	known := map[string]bool{}
	for _, c := range crt.InOrder(r.model.Certs) {
		known[c.File()] = true
		live, there := r.certs[c.File()]
		o := object.Certificate(c, r.certs == nil || there && live.Runs(c))
		state[o.Key] = o
	}
	for _, file := range sortedKeys(r.certs) {
		if !known[file] {
			c := crt.Stray(file)
			o := object.Certificate(c, true)
			state[o.Key] = o
		}
	}
}

// fillDefault gives the default certificate what it is to hold where nobody
// has said it: what it holds already, else one of our own making.
func (r *Reconciler) fillDefault(steps []*step) error {
	for _, s := range steps {
		if s.change.After == nil {
			continue
		}
		c, ok := s.change.After.Native.(*crt.Certificate)
		if !ok || c.PEM() != "" {
			continue
		}
		own := r.model.Certs[crt.Default]
		if own == nil || own.Of != "" {
			var err error
			if own, err = crt.SelfSigned(); err != nil {
				return err
			}
		}
		filled := *s.change.After
		filled.Native = own
		s.change.After = &filled
	}
	return nil
}

// ensureDefault puts a default certificate into a model that has listeners for
// TLS and none, because that which was asked for was refused.
func (r *Reconciler) ensureDefault(want *config.Model) error {
	if !want.EndsTLS() || want.Certs[crt.Default] != nil {
		return nil
	}
	own, err := crt.SelfSigned()
	if err == nil {
		want.Certs[crt.Default] = own
	}
	return err
}

// settleCertificates makes the files say what the model says.
func (r *Reconciler) settleCertificates() error {
	if err := crt.Write(r.dir, r.model.Certs); err != nil {
		return err
	}
	return crt.Prune(r.dir, r.model.Certs)
}

// blameCertificates fails the steps about certificates that HAProxy names in its
// complaint, so that the others can go on without them. It reports whether
// there were any.
func (r *Reconciler) blameCertificates(steps []*step, err error) bool {
	found := false
	for _, s := range steps {
		if s.change.After == nil || s.failed() {
			continue
		}
		c, ok := s.change.After.Native.(*crt.Certificate)
		if ok && strings.Contains(err.Error(), r.dir.File(c.File())) {
			s.fail(v1.GatewayRejected, "HAProxy refuses the certificate: "+err.Error(), "replace it by one that HAProxy takes")
			found = true
		}
	}
	return found
}
