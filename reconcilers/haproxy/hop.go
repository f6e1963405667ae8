package haproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// hopFiles are the keys by which Kong and HAProxy know each other, as HAProxy reads them.
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

// keys names the files.
func (h *hopFiles) keys() *frontend.Keys {
	if h == nil {
		return nil
	}
	return &frontend.Keys{Authority: h.authority.file, Signs: h.signs.file, Shown: h.shown.file, Kong: h.kong.file, Print: h.print}
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
