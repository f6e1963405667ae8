package hop

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Pair is a certificate and its key, in PEM.
type Pair struct {
	Cert string
	Key  v1.Secret
}

// text is both in one, as HAProxy takes it.
func (p Pair) text() string { return p.Cert + p.Key.Reveal() }

// PEM is both in one, the certificate first.
func (p Pair) PEM() v1.Secret { return v1.NewSecret(p.text()) }

// Keys are all that the hop needs. They are never changed: a renewal makes others.
type Keys struct {
	// Authority issues the other two. HAProxy has its key as well, to make certificates for
	// the names that Kong asks for.
	Authority Pair
	// HAProxy is what HAProxy shows to Kong where no such name is asked for. Its key is RSA:
	// with another one HAProxy offers a Diffie-Hellman key that OpenSSL finds too small, and
	// breaks off every other handshake for which it makes a certificate (seen with 2.6).
	HAProxy Pair
	// Kong is what Kong shows to HAProxy, which knows this very certificate. It is valid for
	// as long as its authority.
	Kong Pair

	authority, haproxy *x509.Certificate
	print              string // of Kong's
}

const (
	// authorityLife is how long an authority is valid, and Kong's certificate with it.
	authorityLife = 10 * year
	// leafLife is how long HAProxy's certificate is valid. HAProxy itself gives those that it
	// makes a year, from when their names were first asked for: with each renewal it is
	// reloaded, and makes them anew.
	leafLife = 360 * day
	// margin is how long before its end a certificate is renewed.
	margin = 120 * day
	// skew is how far clocks may go wrong.
	skew = day

	day  = 24 * time.Hour
	year = 365 * day
)

// Make makes keys for a HAProxy with these names, addresses among them.
func Make(names []string, now time.Time) (*Keys, error) {
	authority, err := issue(nil, request{life: authorityLife}, now)
	if err != nil {
		return nil, fmt.Errorf("make an authority for Kong and HAProxy: %w", err)
	}
	issuer, err := pairOf(authority)
	if err != nil {
		return nil, err
	}
	client, err := issue(issuer, request{name: "kong", life: authorityLife, usage: x509.ExtKeyUsageClientAuth}, now)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for Kong: %w", err)
	}
	return withLeaf(authority, client, names, now)
}

// withLeaf adds a new certificate for HAProxy.
func withLeaf(authority, client Pair, names []string, now time.Time) (*Keys, error) {
	issuer, err := pairOf(authority)
	if err != nil {
		return nil, err
	}
	leaf, err := issue(issuer, request{name: "haproxy", names: names, life: leafLife, usage: x509.ExtKeyUsageServerAuth, rsa: true}, now)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for HAProxy: %w", err)
	}
	return assembled(authority, leaf, client)
}

// Renew returns keys that are good for a while for a HAProxy with these names: the same,
// where nothing is to be renewed. Both sides go on taking each other's old certificate for
// the new one, save when the authority itself comes to its end.
func (k *Keys) Renew(names []string, now time.Time) (*Keys, error) {
	switch {
	case now.Add(leafLife).After(k.authority.NotAfter):
		return Make(names, now)
	case now.Before(k.Due()) && slices.Equal(k.Names(), sorted(names)):
		return k, nil
	}
	return withLeaf(k.Authority, k.Kong, names, now)
}

// Due is when they are to be renewed.
func (k *Keys) Due() time.Time {
	leaf, authority := k.haproxy.NotAfter.Add(-margin), k.authority.NotAfter.Add(-leafLife)
	if authority.Before(leaf) {
		return authority
	}
	return leaf
}

// Until is when HAProxy's certificate ends.
func (k *Keys) Until() time.Time { return k.haproxy.NotAfter }

// Names are those that HAProxy's certificate bears, as names: addresses too, for by those
// nginx looks for them. Sorted.
func (k *Keys) Names() []string { return k.haproxy.DNSNames }

// Print is the SHA-256 of Kong's certificate, as HAProxy writes it.
func (k *Keys) Print() string { return k.print }

// order is that of the pairs in a file.
func (k *Keys) order() []Pair { return []Pair{k.Authority, k.HAProxy, k.Kong} }

// fileHead begins the file.
const fileHead = `# Written by Lockstep: the keys by which Kong and HAProxy know each other, in the order
# authority, HAProxy, Kong. Whoever has them gets past what Kong asks for. To have others,
# stop Lockstep, remove this file and start it again.
`

// Text is all of it as a file.
func (k *Keys) Text() v1.Secret {
	var b strings.Builder
	b.WriteString(fileHead)
	for _, p := range k.order() {
		b.WriteString(p.text())
	}
	return v1.NewSecret(b.String())
}

// Parse reads what Text wrote. The error repeats nothing of it.
func Parse(text []byte) (*Keys, error) {
	var pairs []Pair
	for rest := text; ; {
		var cert, key *pem.Block
		if cert, rest = pem.Decode(rest); cert == nil {
			break
		}
		if key, rest = pem.Decode(rest); key == nil {
			return nil, errors.New("a key is missing")
		}
		pairs = append(pairs, Pair{Cert: string(pem.EncodeToMemory(cert)), Key: v1.NewSecret(string(pem.EncodeToMemory(key)))})
	}
	if len(pairs) != len(places()) {
		return nil, errors.New("they are not the three certificates of Kong and HAProxy")
	}
	return assembled(pairs[0], pairs[1], pairs[2])
}

// places names the pairs of a file, in its order.
func places() []string { return []string{"authority", "HAProxy", "Kong"} }

// assembled makes sure that the three belong together.
func assembled(authority, haproxy, kong Pair) (*Keys, error) {
	k := &Keys{Authority: authority, HAProxy: haproxy, Kong: kong}
	var certs []*x509.Certificate
	for i, p := range k.order() {
		read, err := pairOf(p)
		if err != nil {
			return nil, fmt.Errorf("the certificate of %s: %w", places()[i], err)
		}
		certs = append(certs, read.Leaf)
		if err := read.Leaf.CheckSignatureFrom(certs[0]); err != nil {
			return nil, fmt.Errorf("the certificate of %s is not of the authority: %w", places()[i], err)
		}
	}
	sum := sha256.Sum256(certs[2].Raw)
	k.authority, k.haproxy, k.print = certs[0], certs[1], strings.ToUpper(hex.EncodeToString(sum[:]))
	return k, nil
}

// pairOf reads a pair; its key is that of its certificate.
func pairOf(p Pair) (*tls.Certificate, error) {
	read, err := tls.X509KeyPair([]byte(p.Cert), []byte(p.Key.Reveal()))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says of which
	}
	return &read, nil
}

// Same reports whether two are the same keys.
func (k *Keys) Same(o *Keys) bool {
	return k == o || k != nil && o != nil && k.Text() == o.Text()
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}
