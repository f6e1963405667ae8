package crt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Certificates stand in a folder of our directory, chain and key of each in one
// file that only its owner may read. HAProxy's list says which are loaded, and for
// which names each is shown; its first one is shown where no name fits.

// mark begins the comment that says of whom a line of the list is.
const mark = "# certificate "

// entry is a certificate as it stands in the list's comments.
type entry struct {
	Name string `json:"name"`
	Of   string `json:"of,omitempty"`
}

// head begins each certificate's file.
const head = "# Written by Lockstep: changes made here are overwritten.\n"

// Bytes is what stands in the certificate's file.
func (c *Certificate) Bytes() []byte { return []byte(head + c.PEM()) }

// Line is the certificate's line in HAProxy's list.
func (c *Certificate) Line(dir string) string {
	return filepath.Join(dir, c.File()) + " " + c.Filters()
}

// Render writes the list; nil when there are no certificates.
func Render(owner, dir string, certs map[string]*Certificate) []byte {
	if len(certs) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(disk.Head(owner))
	for _, c := range InOrder(certs) {
		b.WriteString(mark)
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(entry{Name: c.Name, Of: c.Of}) // two texts can't fail to encode
		b.WriteString(c.Line(dir) + "\n")
	}
	return b.Bytes()
}

// InOrder returns certificates by name, the default one first.
func InOrder(certs map[string]*Certificate) []*Certificate {
	return slices.SortedFunc(maps.Values(certs), func(a, b *Certificate) int {
		if first, second := a.Name == Default, b.Name == Default; first != second {
			return map[bool]int{true: -1, false: 1}[first]
		}
		return cmp.Compare(a.Name, b.Name)
	})
}

// Read reads back what Write wrote, by name. It leaves out what it does not understand.
func Read(d *disk.Directory) (map[string]*Certificate, error) {
	list, err := d.Read(disk.Certificates)
	if err != nil {
		return nil, err
	}
	certs := map[string]*Certificate{}
	var said entry
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, mark); ok {
			if json.Unmarshal([]byte(text), &said) != nil {
				said = entry{}
			}
			continue
		}
		words := strings.Fields(line)
		if said.Name == "" || len(words) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		text, err := d.Read((&Certificate{Name: said.Name}).File())
		if err != nil {
			return nil, err
		}
		if c, err := New(said.Name, string(text), string(text), words[1:]); err == nil {
			c.Of = said.Of
			certs[c.Name] = c
		}
		said = entry{}
	}
	return certs, nil
}

// Says reports whether the files hold exactly these certificates.
func Says(d *disk.Directory, certs map[string]*Certificate) (bool, error) {
	list, err := d.Read(disk.Certificates)
	if err != nil || !bytes.Equal(list, Render(d.Owner, d.Path, certs)) {
		return false, err
	}
	for _, c := range certs {
		if text, err := d.Read(c.File()); err != nil || !bytes.Equal(text, c.Bytes()) {
			return false, err
		}
	}
	return true, nil
}

// Write makes the files say what a model says: the certificates
// first, so that the list never names one that is missing. Those that it names no
// more are left for Prune.
func Write(d *disk.Directory, certs map[string]*Certificate) error {
	if len(certs) == 0 {
		return nil
	}
	if err := os.MkdirAll(d.File(disk.CertificatesDir), 0o700); err != nil {
		return disk.Trouble(d.File(disk.CertificatesDir), err)
	}
	for _, c := range InOrder(certs) {
		if err := d.Update(c.File(), c.Bytes()); err != nil {
			return err
		}
	}
	return d.Update(disk.Certificates, Render(d.Owner, d.Path, certs))
}

// Prune removes files of ours that a model does not name.
func Prune(d *disk.Directory, certs map[string]*Certificate) error {
	if len(certs) == 0 {
		if err := d.Update(disk.Certificates, nil); err != nil {
			return err
		}
	}
	keep := map[string]bool{}
	for _, c := range certs {
		keep[c.File()] = true
	}
	entries, err := os.ReadDir(d.File(disk.CertificatesDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", d.File(disk.CertificatesDir), err)
	}
	for _, entry := range entries {
		name := disk.CertificatesDir + "/" + entry.Name()
		if keep[name] || !strings.HasSuffix(name, ".pem") {
			continue
		}
		if text, err := d.Read(name); err != nil || !bytes.HasPrefix(text, []byte(head)) {
			continue // somebody else's
		}
		if err := d.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
