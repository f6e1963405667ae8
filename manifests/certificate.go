package manifests

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// maxSNIs is the most names that a certificate may be shown for.
const maxSNIs = 256

// Certificate is a certificate whose parts may stand elsewhere.
type Certificate struct {
	Name       string
	Chain, Key Value // the same file when one holds both
	SNIs       []string
	Default    bool
	Gateways   []v1.Gateway // sorted; empty for all
	Origin     v1.Origin
}

// certificate reads the spec of a Certificate.
func (r *reader) certificate(o *Object, spec []entry) {
	before := len(r.problems)
	fields := r.only(spec, "certificate", "key", "file", "snis", "default", "gateways")
	c := &Certificate{Name: o.Name, Origin: o.Origin}
	r.parts(c, fields)
	if e, has := fields["snis"]; has {
		c.SNIs = r.snis(e)
	}
	if e, has := fields["default"]; has {
		c.Default = r.flag(e, 2)
	}
	for _, item := range r.listed(fields, "gateways", checkGateway) {
		c.Gateways = append(c.Gateways, v1.Gateway(item.text))
	}
	slices.Sort(c.Gateways)
	c.Gateways = slices.Compact(c.Gateways)
	if c.Default && len(c.Gateways) > 0 && !slices.Contains(c.Gateways, v1.HAProxy) {
		r.report(fields["default"].at, "default is for HAProxy, and gateways leaves that out", "add haproxy to gateways, or remove default")
	}
	if len(r.problems) == before && !c.Chain.isReference() && !c.Key.isReference() {
		if _, err := c.reveal(); err != nil {
			r.report(c.Chain.at, err.Error(), "write a certificate and its own key, in PEM")
		}
	}
	o.Certificate = c
}

// checkGateway returns the name of a gateway, or what is wrong with it.
func checkGateway(name string) (normal, message, fix string) {
	known := []string{string(v1.HAProxy), string(v1.Kong)}
	if slices.Contains(known, name) {
		return name, "", ""
	}
	fix = "write one of: " + strings.Join(known, ", ")
	if near := v1.Nearest(name, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	return "", "unknown gateway " + shown(name), fix
}

// parts reads where the chain and the key stand.
func (r *reader) parts(c *Certificate, fields map[string]entry) {
	certificate, hasChain := fields["certificate"]
	key, hasKey := fields["key"]
	file, hasFile := fields["file"]
	const both = "write certificate and key, or file for one that holds both"
	switch {
	case hasFile && (hasChain || hasKey):
		r.report(file.at, "file stands beside certificate or key", both)
	case hasFile:
		if path, ok := r.text(file, 2); ok {
			c.Chain = r.file(r.at(file.value), path)
			c.Key = c.Chain
		}
	case hasChain && hasKey:
		c.Chain = r.value(certificate)
		c.Key = r.value(key)
	case hasChain:
		r.report(certificate.at, "there is no key for the certificate", both)
	case hasKey:
		r.report(key.at, "there is no certificate for the key", both)
	default:
		r.report(c.Origin, "the certificate is not there", both)
	}
}

// snis reads the names that a certificate is shown for.
func (r *reader) snis(e entry) []string {
	items := r.items(e, 2)
	if len(items) > maxSNIs {
		r.report(e.at, fmt.Sprintf("the list has %d names, the most is %d", len(items), maxSNIs), "leave snis out: the names in the certificate hold then")
		return nil
	}
	var out []string
	for _, item := range items {
		name, ok := r.text(entry{key: "a name", at: r.at(item), value: item}, 3)
		if !ok {
			continue
		}
		normal, message, fix := v1.CheckSNI(name)
		if message != "" {
			r.report(r.at(item), message, fix)
			continue
		}
		out = append(out, normal)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// keyError says what is wrong with the key of a certificate.
type keyError struct{ error }

func (e keyError) Unwrap() error { return e.error }

// at returns where the part stands that an error of reveal is about.
func (c *Certificate) at(err error) v1.Origin {
	if _, ofKey := errors.AsType[keyError](err); ofKey {
		return c.Key.at
	}
	return c.Chain.at
}

// reveal looks the parts up and sees that they belong together. The error never
// repeats what they hold.
func (c *Certificate) reveal() (v1.Certificate, error) {
	chain, err := c.Chain.reveal()
	if err != nil {
		return v1.Certificate{}, fmt.Errorf("the certificate can't be read: %w", err)
	}
	key, err := c.Key.reveal()
	if err != nil {
		return v1.Certificate{}, keyError{fmt.Errorf("the key can't be read: %w", err)}
	}
	certificates, err := blocks(chain.Reveal(), func(kind string) bool { return kind == "CERTIFICATE" })
	if err != nil {
		return v1.Certificate{}, err
	}
	keys, err := blocks(key.Reveal(), func(kind string) bool { return strings.HasSuffix(kind, "PRIVATE KEY") })
	if err != nil {
		return v1.Certificate{}, keyError{err}
	}
	switch {
	case len(certificates) == 0:
		return v1.Certificate{}, errors.New("the certificate holds no CERTIFICATE block")
	case len(keys) != 1:
		return v1.Certificate{}, keyError{fmt.Errorf("the key holds %d PRIVATE KEY blocks, not one", len(keys))}
	}
	chainText, keyText := strings.Join(certificates, ""), keys[0]
	if _, err := tls.X509KeyPair([]byte(chainText), []byte(keyText)); err != nil {
		return v1.Certificate{}, errors.New(why(err))
	}
	return v1.Certificate{Name: c.Name, Chain: chainText, Key: v1.NewSecret(keyText), SNIs: c.SNIs, Default: c.Default, Gateways: c.Gateways, Origin: c.Origin}, nil
}

// why words what the library finds wrong with a pair, which may quote nothing of it.
func why(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalid.Error()
	}
	return "the certificate and the key are no pair: " + strings.TrimPrefix(err.Error(), "tls: ")
}

// blocks returns the PEM blocks of the kinds that are wanted, each in its plain
// form, so that nothing else of the text goes on to a gateway.
func blocks(text string, wanted func(kind string) bool) ([]string, error) {
	var out []string
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out, nil
		}
		if !wanted(block.Type) {
			continue
		}
		if block.Headers["DEK-Info"] != "" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("the key is encrypted; write it without a passphrase")
		}
		out = append(out, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})))
	}
}
