package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Authorities are those that certificates of others must be issued by: containers'
// (--backend-ca) and clients' (--haproxy-client-ca). HAProxy reads copies in
// our directory, each named by what it says. So a renewed one is another file, which
// takes one reload, and what a process has loaded is told from its sections alone.

// issuer is one of them as it was last read.
type issuer struct {
	file string // the copy; absolute
	text []byte
	// trouble is why it could not be read: what was read before stays. "" for none.
	trouble string
}

// systemAuthorities are where systems keep the authorities that they trust.
var systemAuthorities = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
	"/etc/ssl/ca-bundle.pem",             // SUSE
	"/etc/ssl/cert.pem",
}

// withSystem adds the authorities that the system trusts, where the operator has
// named none for all services.
func withSystem(paths map[string]string) (all map[string]string, system bool) {
	if _, said := paths[""]; said {
		return paths, false
	}
	for _, path := range append([]string{os.Getenv("SSL_CERT_FILE")}, systemAuthorities...) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths[""] = path
			return paths, true
		}
	}
	return paths, false
}

// readAuthority reads a file of certificates, or of lists of those that were revoked.
// Nothing else of it goes on. Of those of the system what can't be read is left out.
func readAuthority(path, own, kind string, system bool) (issuer, error) {
	text, err := pemfile.Read(path)
	if err != nil {
		return issuer{}, err
	}
	blocks, wrong := pemfile.Blocks(text, kind)
	if wrong != nil && (len(blocks) == 0 || !system) { // systems trust all sorts of things
		return issuer{}, fmt.Errorf("%s: %w", path, wrong)
	}
	whole := []byte(strings.Join(blocks, ""))
	return issuer{file: filepath.Join(own, authorityName(whole)), text: whole}, nil
}

// authorityName is the name of the copy of a text.
func authorityName(text []byte) string {
	sum := sha256.Sum256(text)
	return disk.AuthorityPrefix + hex.EncodeToString(sum[:])[:20] + ".pem"
}

// readAuthorities reads all of them for the first time: one that the operator named
// and that can't be read is a mistake; without the system's no service is verified.
func (r *Reconciler) readAuthorities() error {
	r.authorities = map[string]issuer{}
	for _, name := range sortedKeys(r.o.backendCAs) {
		read, err := readAuthority(r.o.backendCAs[name], r.o.Dir, pemfile.Certificate, r.o.systemCA && name == "")
		if err != nil && (name != "" || !r.o.systemCA) {
			return fmt.Errorf("authority for containers (--backend-ca): %w", err)
		}
		if err != nil {
			read.trouble = err.Error()
			r.o.Log.Warn("the authorities that the system trusts can't be used: name others with --backend-ca", "error", err)
		}
		r.authorities[name] = read
	}
	r.clients, r.o.copies = map[string]issuer{}, map[string]string{}
	for path, kind := range r.o.clientFiles() {
		read, err := readAuthority(path, r.o.Dir, kind, false)
		if err != nil {
			return fmt.Errorf("authority for clients (--haproxy-client-ca, --haproxy-client-crl): %w", err)
		}
		r.clients[path], r.o.copies[path] = read, read.file
	}
	r.takeKeys()
	return nil
}

// rereadAuthorities takes over what became of the files. One that can't be read stays
// as it was, which is said once.
func (r *Reconciler) rereadAuthorities() {
	for _, name := range sortedKeys(r.o.backendCAs) {
		r.authorities[name] = r.reread(r.authorities[name], r.o.backendCAs[name], pemfile.Certificate, r.o.systemCA && name == "")
	}
	changed := r.takeKeys()
	for path, kind := range r.o.clientFiles() {
		read := r.reread(r.clients[path], path, kind, false)
		changed = changed || read.file != r.o.copies[path]
		r.clients[path], r.o.copies[path] = read, read.file
	}
	if changed {
		r.rebase()
	}
}

func (r *Reconciler) reread(had issuer, path, kind string, system bool) issuer {
	read, err := readAuthority(path, r.o.Dir, kind, system)
	if err == nil {
		return read
	}
	if err.Error() != had.trouble {
		r.o.Log.Warn("an authority stays as it was", "file", path, "error", err)
	}
	had.trouble = err.Error()
	return had
}

// issuersOf returns the authorities whose copies a model's sections name, by their files.
func (r *Reconciler) issuersOf(m *config.Model) []issuer {
	wanted := m.Authorities()
	all := slices.Concat(slices.Collect(maps.Values(r.authorities)), slices.Collect(maps.Values(r.clients)), r.o.hop.copies())
	all = slices.DeleteFunc(all, func(a issuer) bool { return !slices.Contains(wanted, a.file) })
	slices.SortFunc(all, func(a, b issuer) int { return strings.Compare(a.file, b.file) })
	return slices.CompactFunc(all, func(a, b issuer) bool { return a.file == b.file })
}

// writeAuthorities puts the copies there that a model's sections name.
func (r *Reconciler) writeAuthorities(m *config.Model) error {
	for _, a := range r.issuersOf(m) {
		if err := r.dir.Update(filepath.Base(a.file), a.text); err != nil {
			return err
		}
	}
	return nil
}

// sayAuthorities reports whether the copies that a model names are there.
func sayAuthorities(d *disk.Directory, m *config.Model) (bool, error) {
	for _, file := range m.Authorities() {
		text, err := d.Read(filepath.Base(file))
		if err != nil || file != d.File(authorityName(text)) && file != d.File(keysName(text)) {
			return false, err
		}
	}
	return true, nil
}

// sweepAuthorities removes the copies that nothing names any more.
func (r *Reconciler) sweepAuthorities() error {
	left, err := filepath.Glob(r.dir.File(disk.AuthorityPrefix + "*.pem"))
	if err != nil {
		return err
	}
	keys, err := filepath.Glob(r.dir.File(disk.KeysPrefix + "*.pem"))
	wanted := r.model.Authorities()
	for _, path := range append(left, keys...) {
		if err == nil && !slices.Contains(wanted, path) {
			err = r.dir.Remove(filepath.Base(path))
		}
	}
	return err
}
