package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// Where Kong and HAProxy know each other by keys (Via.TLS), the ports for Kong speak TLS
// alone. Kong asks for the Host that it sends on, whatever that is, and HAProxy makes a
// certificate for it, by an authority that issues for this hop alone (generate-certificates).
//
// With such a certificate HAProxy forgets by whom clients must be vouched for. So it knows
// Kong's certificate itself, by its digest: one is demanded in the handshake (verify required),
// whatever it says (ca-ignore-err, crt-ignore-err), and whoever shows another one than Kong's
// is turned away before the first byte of a request is read. For the same reason no session of TLS can be
// taken up again there: OpenSSL breaks off the handshake (no-tls-tickets).

// hopFiles are the keys as HAProxy reads them.
type hopFiles struct {
	authority issuer // vouches for both
	signs     issuer // the same with its key
	shown     issuer // HAProxy's own
	kong      issuer // Kong's, for a worker that was replaced, which comes as Kong does
	print     string // of Kong's certificate
}

// hopFilesOf returns the files that keys become in a directory.
func hopFilesOf(keys *hop.Keys, dir string) *hopFiles {
	kept := func(p hop.Pair) issuer {
		text := []byte(p.PEM().Reveal())
		return issuer{file: filepath.Join(dir, keysName(text)), text: text}
	}
	public := []byte(keys.Authority.Cert)
	return &hopFiles{
		authority: issuer{file: filepath.Join(dir, authorityName(public)), text: public},
		signs:     kept(keys.Authority), shown: kept(keys.HAProxy), kong: kept(keys.Kong), print: keys.Print(),
	}
}

// keysName is the name of a file with keys.
func keysName(text []byte) string {
	sum := sha256.Sum256(text)
	return disk.KeysPrefix + hex.EncodeToString(sum[:])[:20] + ".pem"
}

// copies are all of them.
func (h *hopFiles) copies() []issuer {
	if h == nil {
		return nil
	}
	return []issuer{h.authority, h.signs, h.shown, h.kong}
}

// takeKeys takes over the keys that are in force, and reports whether they are others.
func (r *Reconciler) takeKeys() (changed bool) {
	keys := r.o.Via.TLS.Keys()
	if keys == nil {
		return false
	}
	next := hopFilesOf(keys, r.o.Dir)
	changed = r.o.hop == nil || r.o.hop.shown.file != next.shown.file || r.o.hop.signs.file != next.signs.file
	r.o.hop = next
	return changed
}

// stampKeys is another text whenever other keys are in force.
func (o *Options) stampKeys() string {
	keys := o.Via.TLS.Keys()
	if keys == nil {
		return ""
	}
	return keys.Print() + keys.HAProxy.Cert
}

// both is what a TLS bind for Kong and one for a worker that was replaced have in common.
func (h *hopFiles) both() string {
	return fmt.Sprintf(" ssl crt %s verify required ca-file %s ssl-min-ver TLSv1.2", h.shown.file, h.authority.file)
}

// bindWords is what the bind for Kong bears besides its addresses.
func (h *hopFiles) bindWords() string {
	if h == nil {
		return ""
	}
	return h.both() + " ca-ignore-err all crt-ignore-err all no-tls-tickets generate-certificates ca-sign-file " + h.signs.file
}

// gateWords is the same of the bind for a worker that was replaced.
func (h *hopFiles) gateWords() string {
	if h == nil {
		return ""
	}
	return h.both()
}

// serverWords is what that worker's way there bears.
func (h *hopFiles) serverWords() string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf(" ssl verify required ca-file %s crt %s", h.authority.file, h.kong.file)
}

// renderProved turns away whoever is not Kong.
func (h *hopFiles) renderProved(line func(string, ...any)) {
	if h != nil {
		line("tcp-request session reject if !{ ssl_c_der,sha2(256),hex -m str %s }", h.print)
	}
}

// leastDH is the size of a Diffie-Hellman key that OpenSSL takes. HAProxy gives one of 1024
// bits to each certificate that it makes unless it is told otherwise, and breaks off every
// other handshake because of it.
const leastDH = 2048
