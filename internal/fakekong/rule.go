package fakekong

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// What Kong checks in code and not by its schemas.

var (
	nameChars = regexp.MustCompile(`^[-0-9A-Za-z._~\x80-\x{10FFFF}]+$`)
	hostname  = regexp.MustCompile(`^[0-9A-Za-z_]([-0-9A-Za-z_.]*[0-9A-Za-z_])?\.?$`)
	pathChars = regexp.MustCompile(`^[A-Za-z0-9/:@_~!$&'()*+,;=.%-]*$`)
)

// badPEM is what Kong says to a certificate or key that can't be read.
const badPEM = "error:680007B:asn1 encoding routines:ASN1_get_object:header too long:crypto/asn1/asn1_lib.c:105:"

// rules returns the checks for a kind.
func rules(k *kind, fields map[string]any) schema.Rules {
	r := schema.Rules{Field: func(path string, v any) string {
		if path == "tags[]" {
			return checkTag(text(v))
		}
		if check := fieldRules[k.name+"."+path]; check != nil {
			return check(v)
		}
		return ""
	}}
	switch k.name {
	case "routes":
		r.Entity = checkRoute
	case "plugins":
		if fields["name"] == "rate-limiting" {
			field := r.Field
			r.Field = func(path string, v any) string {
				if path == "config" {
					return checkLimits(v)
				}
				return field(path, v)
			}
		}
	case "certificates":
		r.Entity = checkPair
	case "ca_certificates":
		r.Entity = checkAuthority
	}
	return r
}

// fieldRules are the checks of single values, by kind and field.
var fieldRules = map[string]func(any) string{
	"services.name":        checkName,
	"routes.name":          checkName,
	"services.host":        func(v any) string { return unless(isHost(text(v)), "invalid value: "+text(v)) },
	"services.path":        checkPath,
	"routes.hosts[]":       checkRouteHost,
	"routes.paths[]":       checkRoutePath,
	"routes.snis[]":        checkSNI,
	"snis.name":            checkSNI,
	"certificates.snis[]":  checkSNI,
	"upstreams.name":       checkUpstreamName,
	"targets.target":       checkTarget,
	"certificates.cert":    checkCertificate,
	"ca_certificates.cert": checkCertificate,
	"certificates.key":     checkKey,
}

func unless(fine bool, message string) string {
	if fine {
		return ""
	}
	return message
}

func checkName(v any) string {
	return unless(nameChars.MatchString(text(v)),
		"invalid value '"+text(v)+"': the only accepted ascii characters are alphanumerics or ., -, _, and ~")
}

func checkTag(s string) string {
	fine := utf8.ValidString(s) && !strings.ContainsAny(s, ",/")
	for _, c := range s {
		fine = fine && c >= ' ' && c != 0x7f
	}
	return unless(fine, "invalid tag '"+s+"': expected printable ascii (except `,` and `/`) or valid utf-8 sequences")
}

// isHost accepts host names and addresses, without a port.
func isHost(s string) bool {
	return net.ParseIP(strings.Trim(s, "[]")) != nil || hostname.MatchString(s) && len(s) < 256
}

func checkSNI(v any) string {
	s := text(v)
	if at := strings.IndexByte(s, '*'); at > 0 && at < len(s)-1 {
		return "wildcard must be leftmost or rightmost character"
	}
	return unless(hostname.MatchString(strings.Replace(s, "*", "a", 1)) && net.ParseIP(s) == nil, "invalid value: "+s)
}

func checkUpstreamName(v any) string {
	s := text(v)
	switch {
	case net.ParseIP(s) != nil:
		return "Invalid name ('" + s + "'); no ip addresses allowed"
	case strings.Contains(s, ":"):
		return "Invalid name ('" + s + "'); no port allowed"
	}
	return unless(isHost(s), "Invalid name ('"+s+"'); must be a valid hostname")
}

func checkTarget(v any) string {
	_, fine := normalTarget(text(v))
	return unless(fine, "Invalid target; not a valid hostname or ip address")
}

func checkPath(v any) string {
	s := text(v)
	return unless(pathChars.MatchString(s), "invalid path: '"+s+"' (characters outside of the reserved list of RFC 3986 found)")
}

// checkLimits judges rate limits: a longer span can't have a lower limit.
func checkLimits(v any) string {
	config, _ := v.(map[string]any)
	spans := []string{"second", "minute", "hour", "day", "month", "year"}
	for i, short := range spans {
		low, set := config[short].(float64)
		for _, long := range spans[i+1:] {
			if high, both := config[long].(float64); set && both && high < low {
				return fmt.Sprintf("The limit for %s(%.1f) cannot be lower than the limit for %s(%.1f)", long, high, short, low)
			}
		}
	}
	return ""
}

func checkCertificate(v any) string {
	block, _ := pem.Decode([]byte(text(v)))
	if block == nil {
		return "invalid certificate: x509.new: " + badPEM
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return "invalid certificate: x509.new: " + badPEM
	}
	return ""
}

func checkKey(v any) string {
	block, _ := pem.Decode([]byte(text(v)))
	return unless(block != nil && strings.HasSuffix(block.Type, "PRIVATE KEY"), "invalid key: pkey.new:load_key: "+badPEM)
}

// checkAuthority judges whether a certificate is one of an authority, and still is.
func checkAuthority(c map[string]any, v schema.Violations) {
	block, rest := pem.Decode([]byte(text(c["cert"])))
	if len(v) > 0 || block == nil {
		return
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
	case strings.Contains(string(rest), "-----BEGIN CERTIFICATE-----"):
		v.Add("please submit only one certificate at a time")
	case cert.NotAfter.Before(time.Now()):
		v.Add(`certificate expired, "Not After" time is in the past`)
	case !cert.BasicConstraintsValid || !cert.IsCA:
		v.Add(`certificate does not appear to be a CA because it is missing the "CA" basic constraint`)
	}
}

// checkPair judges whether a key belongs to its certificate.
func checkPair(c map[string]any, v schema.Violations) {
	if len(v) > 0 {
		return
	}
	if _, err := tls.X509KeyPair([]byte(text(c["cert"])), []byte(text(c["key"]))); err != nil {
		v.Add("certificate does not match key")
	}
}
