package nginxtls

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]string{
		"shop.test": {"shop.test", "shop.test"}, "shop.test:8000": {"shop.test", "shop.test"}, "my_service": {"my_service", "my_service"},
		"127.0.0.1:80": {"127.0.0.1", ""}, "127.0.0.1": {"127.0.0.1", ""}, "[::1]:80": {"[::1]", ""}, "[::1]": {"[::1]", ""}, "": {"", ""},
	} {
		if name := Name(host); name != want[0] || SNI(name) != want[1] {
			t.Errorf("%q: name %q, SNI %q; want %q", host, name, SNI(name), want)
		}
	}
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	cn := func(names ...string) *x509.Certificate {
		var cert x509.Certificate
		for _, name := range names {
			cert.Subject.Names = append(cert.Subject.Names, pkix.AttributeTypeAndValue{Type: commonName, Value: name})
		}
		return &cert
	}
	san := func(names ...string) *x509.Certificate {
		cert := cn("cn.test")
		cert.DNSNames = names
		return cert
	}
	for _, c := range []struct {
		cert *x509.Certificate
		name string
		want bool
	}{
		{cn("Authority", "shop.test"), "Shop.test", true}, {cn("shop.test"), "other.test", false}, {cn("my_service"), "my_service", true},
		{san("a.test"), "cn.test", false}, {san("127.0.0.1"), "127.0.0.1", true}, {san("[::1]"), "[::1]", true}, {san("a.test"), "", false},
		{san("*.a.test"), "b.a.test", true}, {san("*.a.test"), "c.b.a.test", false}, {san("*.test"), "a.test", false}, {san("*.a.test"), ".a.test", false},
	} {
		if got := CheckHost(c.cert, c.name); got != c.want {
			t.Errorf("%v %v for %q: %v", c.cert.DNSNames, c.cert.Subject, c.name, got)
		}
	}
}
