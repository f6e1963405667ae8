package crt

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
)

// Files are where certificates of the user's stand: files with chain and
// key, folders of such files, folders as certbot has them. They are read, never
// written. They are compared by what stat says of them, once in a while, rather than
// watched through inotify: that is right for symlinks into anywhere, for mounts of
// other machines, and for folders that come later.
type Files []string

// Filed is one certificate of the user's, or why it can't be taken.
type Filed struct {
	Name string // path of the file, or of certbot's folder
	Cert *Certificate
	Err  error
}

// The names that certbot gives the two files of a certificate.
const (
	certbotChain = "fullchain.pem"
	certbotKey   = "privkey.pem"
)

// pair names the files of one certificate; they may be the same.
type pair struct{ name, chain, key string }

// Read reads all of them. lost are the paths that can't even be listed: of
// what stood there nothing is known.
func (c Files) Read() (all []Filed, lost map[string]error) {
	lost = map[string]error{}
	for _, root := range c {
		pairs, err := pairsOf(root)
		if err != nil {
			lost[root] = err
			continue
		}
		for _, p := range pairs {
			f := Filed{Name: p.name}
			if f.Cert, f.Err = p.read(); f.Cert != nil {
				f.Cert.Origin = v1.Origin{File: p.chain}
			}
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b Filed) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b Filed) bool { return a.Name == b.Name }), lost
}

// pairsOf finds the certificates at a path.
func pairsOf(root string) ([]pair, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, pemfile.Trouble(root, err)
	}
	if !info.IsDir() {
		return []pair{pairOf(root)}, nil
	}
	if p, ok := certbotPair(root); ok {
		return []pair{p}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, pemfile.Trouble(root, err)
	}
	var pairs []pair
	for _, entry := range entries {
		path := filepath.Join(root, entry.Name())
		info, err := os.Stat(path)
		switch extension := filepath.Ext(path); {
		case strings.HasPrefix(entry.Name(), "."):
		case err == nil && info.IsDir():
			if p, ok := certbotPair(path); ok {
				pairs = append(pairs, p)
			}
		case extension == ".crt", extension == ".pem" && !strings.HasSuffix(path, "-key.pem"):
			pairs = append(pairs, pairOf(path)) // also one that can't be read, which is to be said
		}
	}
	return pairs, nil
}

// certbotPair returns the certificate that a folder as certbot makes it holds.
func certbotPair(folder string) (pair, bool) {
	p := pair{name: folder, chain: filepath.Join(folder, certbotChain), key: filepath.Join(folder, certbotKey)}
	_, err := os.Lstat(p.chain)
	return p, err == nil
}

// pairOf looks for a key beside a file; without one it is in the file itself.
func pairOf(path string) pair {
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	for _, key := range []string{stem + ".key", path + ".key", stem + "-key.pem"} {
		if _, err := os.Lstat(key); err == nil {
			return pair{name: path, chain: path, key: key}
		}
	}
	return pair{name: path, chain: path, key: path}
}

func (p pair) read() (*Certificate, error) {
	chain, err := pemfile.Read(p.chain)
	if err != nil {
		return nil, err
	}
	key := chain
	if p.key != p.chain {
		if key, err = pemfile.Read(p.key); err != nil {
			return nil, err
		}
	}
	c, err := New(p.name, chain, key, nil)
	if err != nil {
		return nil, err
	}
	c.ByDefault = strings.TrimSuffix(filepath.Base(p.name), filepath.Ext(p.name)) == "default"
	return c, nil
}

// Signature is another one whenever any of the files is, or any of others.
func (c Files) Signature(others ...string) string {
	sum := fnv.New128a()
	for _, root := range c {
		pairs, err := pairsOf(root)
		if err != nil {
			fmt.Fprintln(sum, err)
		}
		for _, p := range pairs {
			fmt.Fprint(sum, pemfile.Stamp(p.chain), pemfile.Stamp(p.key))
		}
	}
	slices.Sort(others)
	for _, path := range others {
		fmt.Fprint(sum, pemfile.Stamp(path))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
