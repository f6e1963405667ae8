package crt

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // HAProxy names certificates by it; nothing rests on it
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Certificate is what our TLS listeners prove themselves with: the certificate,
// those that vouch for it, and its key. It is never changed once it is in a model.
type Certificate struct {
	Name      string     // that of a manifest, a path, or Default
	secret    *v1.Secret // chain and key in PEM, as HAProxy gets them; behind a pointer, which printing does not follow
	Version   string     // digest of secret
	Names     []string   // for which it is shown; sorted
	Of        string     // of the default one: whose it is; "" when it is of our own making
	Print     string     // SHA-1 of the certificate itself, as HAProxy writes it
	kind      string     // of the key: HAProxy shows one of each kind for a name
	Until     time.Time
	ByDefault bool   // it is to be shown where no name fits
	stray     string // file of one that somebody added to our list in the process
	Origin    v1.Origin
}

// Default is the name of the one that is shown where no name fits. It
// is always there: HAProxy refuses a listener without any.
const Default = ":default"

// NobodysName is the name of the default one in HAProxy's list. It is asked for by
// nobody (RFC 2606), so that only what is shown by default is shown by it.
const NobodysName = "default.invalid"

// Limit keeps a certificate within HAProxy's buffer, together with
// the command that carries it. A longer one takes a reload.
const Limit = 15 << 10

// Stray stands for one that somebody added to our list in the process: of that
// only the file is known.
func Stray(file string) *Certificate {
	return &Certificate{Name: "file:" + path.Base(file), stray: file}
}

// File returns the name of the certificate's file in our directory.
func (c *Certificate) File() string {
	base := c.Name
	switch {
	case c.stray != "":
		return c.stray
	case c.Name == Default:
		return disk.CertificatesDir + "/~default.pem" // no other file is called like this
	case strings.ContainsAny(c.Name, "/:"), charset.Certificate.Check(c.Name) != nil:
		base = plainName(strings.TrimSuffix(path.Base(c.Name), path.Ext(c.Name))) + "~" + digest.Of(c.Name)
	}
	return disk.CertificatesDir + "/" + base + ".pem"
}

// plainName makes a text one that a file of ours may be called.
func plainName(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < 0x80 && charset.Certificate.Check(string(c)) == nil {
			return c
		}
		return '_'
	}, text)
	return text[:min(len(text), 100)]
}

// PEM returns chain and key; "" of a default one that was not made yet.
func (c *Certificate) PEM() string {
	if c.secret == nil {
		return ""
	}
	return c.secret.Reveal()
}

// Filters are the names as they stand in HAProxy's list.
func (c *Certificate) Filters() string { return strings.Join(c.Names, " ") }

// New checks a certificate before HAProxy sees it. Its errors never
// repeat what the texts hold.
func New(name, chain, key string, names []string) (*Certificate, error) {
	blocks, err := chainOf(chain)
	if err != nil {
		return nil, err
	}
	secret, err := keyBlock(key)
	if err != nil {
		return nil, err
	}
	text := string(pem.EncodeToMemory(secret))
	var parsed []*x509.Certificate
	var all strings.Builder
	for i, block := range blocks {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the chain can't be read", i+1)
		}
		if i > 0 && string(parsed[i-1].RawIssuer) != string(one.RawSubject) {
			return nil, fmt.Errorf("the chain is out of order: certificate %d was not issued by certificate %d", i, i+1)
		}
		parsed = append(parsed, one)
		all.Write(pem.EncodeToMemory(block))
	}
	if _, err := tls.X509KeyPair([]byte(all.String()), []byte(text)); err != nil {
		return nil, errors.New("the key is not that of the first certificate, or of a kind that TLS does not know")
	}
	all.WriteString(text)
	sealed := v1.NewSecret(all.String())
	c := &Certificate{Name: name, secret: &sealed, Version: digest.Of(all.String()), Until: parsed[0].NotAfter.UTC()}
	sum := sha1.Sum(parsed[0].Raw) //nolint:gosec // see above
	c.Print = strings.ToUpper(hex.EncodeToString(sum[:]))
	c.kind = kindOf(parsed[0])
	c.Names, err = shownFor(parsed[0], names)
	return c, err
}

// chainOf returns the certificates in a text, without what surrounds them.
func chainOf(text string) ([]*pem.Block, error) {
	var blocks []*pem.Block
	for _, block := range pemBlocks(text) {
		if block.Type == "CERTIFICATE" {
			blocks = append(blocks, &pem.Block{Type: block.Type, Bytes: block.Bytes})
		}
	}
	if len(blocks) == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return blocks, nil
}

// keyBlock returns the one private key in a text.
func keyBlock(text string) (*pem.Block, error) {
	var key *pem.Block
	for _, block := range pemBlocks(text) {
		switch {
		case !isKey(block):
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, errors.New("the key is encrypted, and HAProxy could not ask for the passphrase")
		case key != nil:
			return nil, errors.New("there are several keys in it")
		default:
			key = &pem.Block{Type: block.Type, Bytes: block.Bytes}
		}
	}
	if key == nil {
		return nil, errors.New("there is no key for it")
	}
	return key, nil
}

func isKey(block *pem.Block) bool { return strings.HasSuffix(block.Type, "PRIVATE KEY") }

func pemBlocks(text string) []*pem.Block {
	var blocks []*pem.Block
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return blocks
		}
		blocks = append(blocks, block)
	}
}

func kindOf(c *x509.Certificate) string {
	switch c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return "ECDSA"
	}
	return "other"
}

// shownFor returns the names for which a certificate is shown: those that are
// asked for, else those that it bears.
func shownFor(c *x509.Certificate, asked []string) ([]string, error) {
	names := asked
	if len(names) == 0 {
		if names = c.DNSNames; len(names) == 0 && c.Subject.CommonName != "" {
			names = []string{c.Subject.CommonName}
		}
	}
	var out []string
	for _, name := range names {
		name = strings.ToLower(name)
		if err := checkSNI(name); err == nil {
			out = append(out, name)
		} else if len(asked) > 0 {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it bears no host name for which it could be shown")
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// checkSNI refuses what HAProxy's list of certificates could take for something else.
func checkSNI(name string) error {
	if err := charset.SNI.Check(name); err != nil {
		return err
	}
	if star := strings.LastIndexByte(name, '*'); star > 0 || star == 0 && !strings.HasPrefix(name, "*.") {
		return fmt.Errorf("the name %s has a star where certificates know none", name)
	}
	return nil
}
