package haproxy

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

// certificateMark begins the comment that says of whom a line of the list is.
const certificateMark = "# certificate "

// certificateLine is a certificate as it stands in the list's comments.
type certificateLine struct {
	Name string `json:"name"`
	Of   string `json:"of,omitempty"`
}

// certificateHead begins each certificate's file.
const certificateHead = "# Written by Lockstep: changes made here are overwritten.\n"

// bytes is what stands in the certificate's file.
func (c *certificate) bytes() []byte { return []byte(certificateHead + c.pem()) }

// line is the certificate's line in HAProxy's list.
func (c *certificate) line(dir string) string {
	return filepath.Join(dir, c.file()) + " " + c.filters()
}

// renderCertificates writes the list; nil when there are no certificates.
func renderCertificates(owner, dir string, certs map[string]*certificate) []byte {
	if len(certs) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(disk.Head(owner))
	for _, c := range inListOrder(certs) {
		b.WriteString(certificateMark)
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(certificateLine{Name: c.name, Of: c.of}) // two texts can't fail to encode
		b.WriteString(c.line(dir) + "\n")
	}
	return b.Bytes()
}

// inListOrder returns certificates by name, the default one first.
func inListOrder(certs map[string]*certificate) []*certificate {
	return slices.SortedFunc(maps.Values(certs), func(a, b *certificate) int {
		if first, second := a.name == defaultCertificate, b.name == defaultCertificate; first != second {
			return map[bool]int{true: -1, false: 1}[first]
		}
		return cmp.Compare(a.name, b.name)
	})
}

// filedCertificates reads back what writeCertificates wrote. Whatever it does not
// understand it leaves out, as parseFiles does.
func filedCertificates(d *disk.Directory) (map[string]*certificate, error) {
	list, err := d.Read(disk.Certificates)
	if err != nil {
		return nil, err
	}
	certs := map[string]*certificate{}
	var said certificateLine
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, certificateMark); ok {
			if json.Unmarshal([]byte(text), &said) != nil {
				said = certificateLine{}
			}
			continue
		}
		words := strings.Fields(line)
		if said.Name == "" || len(words) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		text, err := d.Read((&certificate{name: said.Name}).file())
		if err != nil {
			return nil, err
		}
		if c, err := newCertificate(said.Name, string(text), string(text), words[1:]); err == nil {
			c.of = said.Of
			certs[c.name] = c
		}
		said = certificateLine{}
	}
	return certs, nil
}

// sayCertificates reports whether the files hold exactly these certificates.
func sayCertificates(d *disk.Directory, certs map[string]*certificate) (bool, error) {
	list, err := d.Read(disk.Certificates)
	if err != nil || !bytes.Equal(list, renderCertificates(d.Owner, d.Path, certs)) {
		return false, err
	}
	for _, c := range certs {
		if text, err := d.Read(c.file()); err != nil || !bytes.Equal(text, c.bytes()) {
			return false, err
		}
	}
	return true, nil
}

// writeCertificates makes the files say what a model says: the certificates
// first, so that the list never names one that is missing. Those that it names no
// more are left for pruneCertificates.
func writeCertificates(d *disk.Directory, certs map[string]*certificate) error {
	if len(certs) == 0 {
		return nil
	}
	if err := os.MkdirAll(d.File(disk.CertificatesDir), 0o700); err != nil {
		return disk.Trouble(d.File(disk.CertificatesDir), err)
	}
	for _, c := range inListOrder(certs) {
		if err := d.Update(c.file(), c.bytes()); err != nil {
			return err
		}
	}
	return d.Update(disk.Certificates, renderCertificates(d.Owner, d.Path, certs))
}

// pruneCertificates removes files of ours that a model does not name.
func pruneCertificates(d *disk.Directory, certs map[string]*certificate) error {
	if len(certs) == 0 {
		if err := d.Update(disk.Certificates, nil); err != nil {
			return err
		}
	}
	keep := map[string]bool{}
	for _, c := range certs {
		keep[c.file()] = true
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
		if text, err := d.Read(name); err != nil || !bytes.HasPrefix(text, []byte(certificateHead)) {
			continue // somebody else's
		}
		if err := d.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
