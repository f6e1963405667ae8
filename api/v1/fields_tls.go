package v1

import (
	"cmp"
	"fmt"
)

// tlsRows say how a gateway speaks TLS with the copies of a service.
var tlsRows = []Field{
	{
		Name: "tls_verify", Scope: OfService, Type: Bool, Protocols: overTLS, Default: Value{Bool: true},
		Kong:    Rendering{As: "service's `tls_verify`; with `protocol=grpcs` only `false`"},
		HAProxy: Rendering{As: "`server` verify"},
		Doc:     "Whether the container's certificate must be issued by a known authority for the name that it is asked by; `false` takes any.",
		Example: "tls_verify=false",
		Aliases: []string{"ssl_verify", "proxy_ssl_verify", "verify", "insecure_skip_verify", "insecureskipverify", "tls_skip_verify"},
		set:     func(t target, v Value) { t.service.TLSUnverified = !v.Bool },
		get:     func(t target) Value { return Value{Bool: !t.service.TLSUnverified} },
	},
	{
		Name: "tls_servername", Scope: OfService, Type: Text, Protocols: overTLS, Chars: networkChars, check: checkServerName,
		Unset:   "the `Host` that is sent on",
		Kong:    Rendering{},
		HAProxy: Rendering{As: "`server` sni and verifyhost"},
		Doc:     "The name by which the container is asked (SNI), and that its certificate must bear.",
		Example: "tls_servername=web.internal",
		Aliases: []string{"tls_server_name", "ssl_name", "proxy_ssl_name", "verifyhost"},
		set:     func(t target, v Value) { t.service.TLSServerName = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.TLSServerName} },
	},
	{
		Name: "tls_ca", Scope: OfService, Type: Text, Protocols: overTLS, Chars: keyChars, check: checkAuthority,
		Unset:   "the authority for all services",
		Kong:    Rendering{As: "service's `ca_certificates`"},
		HAProxy: Rendering{As: "`server` ca-file"},
		Doc:     "The authority that must have issued the container's certificate, by the name that `--backend-ca` gives it.",
		Example: "tls_ca=internal",
		Aliases: []string{"ca", "ca_file", "cafile", "ca_certificate", "ca_certificates", "rootcas", "root_ca", "trusted_ca"},
		set:     func(t target, v Value) { t.service.TLSAuthority = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.TLSAuthority} },
	},
	{
		Name: "client_certificate", Scope: OfRoute, Type: Text, Words: []string{certificateNone, CertificateRequired}, Protocols: ofRequests,
		Chars: optionChars, check: checkOption, Default: Value{Text: certificateNone},
		HAProxy: Rendering{As: "map, `verify optional` on the listeners for TLS"},
		Doc:     "Whether clients must prove themselves with a certificate of the operator's authority: `required` takes requests over TLS alone, and refuses those without.",
		Example: "client_certificate=required",
		Aliases: []string{"mtls", "mutual_tls", "client_auth", "clientauth", "client_cert", "ssl_verify_client", "auth_tls_verify_client"},
		set: func(t target, v Value) {
			if t.route.ClientCertificate = v.Text; v.Text == certificateNone {
				t.route.ClientCertificate = ""
			}
		},
		get: func(t target) Value {
			return Value{Text: cmp.Or(t.route.ClientCertificate, certificateNone)}
		},
	},
}

// certificateNone asks clients for no certificate.
const certificateNone = "none"

// overTLS are the protocols that gateways and containers speak over TLS.
var overTLS = []Protocol{HTTPS, GRPCS}

// checkServerName takes a name that a certificate can bear.
func checkServerName(name string) (string, *fault) {
	host, wrong := checkHost(name)
	if wrong != nil {
		return "", wrong
	}
	if !hasLetter(host) {
		return "", &fault{message: fmt.Sprintf("%s is an address, which is asked for by no name", shown(name)), fix: "write a name that the container's certificate bears"}
	}
	return host, nil
}

// hasLetter tells a name from an address.
func hasLetter(host string) bool {
	for i := range len(host) {
		if isLower(host[i]) {
			return true
		}
	}
	return false
}

// checkAuthority takes the name of an authority, which is no path.
func checkAuthority(name string) (string, *fault) {
	if isKey(name) && len(name) <= maxVersion {
		return name, nil
	}
	return "", &fault{
		message: fmt.Sprintf("%s can't be the name of an authority", shown(name)),
		fix:     "write the name that the operator has given it, as in --backend-ca internal=/etc/ssl/internal.pem",
	}
}
