package fakekong

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// draft makes the complete fields of an entity from what a client sent, and
// judges them. old is what is stored under the same id, or nil. It refers to
// nothing stored: references and uniqueness are checked when it is written.
func (k *Kong) draft(kd *kind, body, old map[string]any) (map[string]any, schema.Violations) {
	body = maps.Clone(body)
	bad := spell(kd, body)
	sch := k.lib.of(kd.name, body)
	if sch == nil {
		return nil, schema.Violations{
			"name": "plugin '" + text(body["name"]) + "' not enabled; add it to the 'plugins' configuration property"}
	}
	ttl, hasTTL := body["ttl"], kd.name == "keyauth_credentials"
	if hasTTL {
		delete(body, "ttl")
	}
	fields := sch.Fill(body)
	k.auto(sch, fields, old)
	if v := sch.Validate(fields, rules(kd, fields)); v != nil || bad != nil {
		if v == nil {
			v = schema.Violations{}
		}
		maps.Copy(v, bad)
		return nil, v
	}
	if hasTTL {
		fields["ttl"] = ttl
	}
	finish(kd, fields, old)
	return fields, nil
}

// auto sets what Kong makes up itself: ids, times, keys and secrets.
func (k *Kong) auto(sch *schema.Field, fields, old map[string]any) {
	now := time.Now()
	for _, f := range sch.Fields {
		switch {
		case f.Timestamp:
			stamp := any(float64(now.Unix()))
			if f.Type == "number" {
				stamp = float64(now.UnixMilli()) / 1000
			}
			if f.Name == "created_at" && old[f.Name] != nil {
				stamp = old[f.Name]
			}
			if given, ok := fields[f.Name].(float64); !ok || f.Name == "updated_at" || given <= 0 {
				fields[f.Name] = stamp
			}
		case fields[f.Name] != nil || !f.Auto:
		case f.Name == "id" && old != nil:
			fields["id"] = old["id"]
		case f.Name == "id":
			fields["id"] = k.newID()
		default:
			fields[f.Name] = secret()
		}
	}
}

// spell turns the spellings that only exist in requests into fields, before validation.
func spell(kd *kind, body map[string]any) schema.Violations {
	switch kd.name {
	case "services":
		return spellURL(body)
	case "routes":
		// Kong's default for gRPC is another: there is nothing to strip.
		protocols, _ := body["protocols"].([]any)
		grpc := slices.Contains(protocols, any("grpc")) || slices.Contains(protocols, any("grpcs"))
		if grpc && body["strip_path"] == nil {
			body["strip_path"] = false
		}
	}
	return nil
}

// spellURL takes a service's url apart.
func spellURL(body map[string]any) schema.Violations {
	v, given := body["url"]
	if !given {
		return nil
	}
	delete(body, "url")
	s, isText := v.(string)
	if !isText {
		return schema.Violations{"url": "expected a string"}
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return schema.Violations{"host": "missing host in url"}
	}
	body["protocol"], body["host"], body["port"], body["path"] = u.Scheme, u.Hostname(), 80.0, nil
	if u.Scheme == "https" {
		body["port"] = 443.0
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		body["port"] = float64(port)
	}
	if u.Path != "" {
		body["path"] = u.EscapedPath()
	}
	return nil
}

// finish rewrites the values that Kong stores in another form than it got them.
func finish(kd *kind, fields, old map[string]any) {
	switch kd.name {
	case "targets":
		fields["target"], _ = normalTarget(text(fields["target"]))
	case "basicauth_credentials":
		if password := fields["password"]; old == nil || old["password"] != password {
			sum := sha1.Sum([]byte(text(password) + refID(fields["consumer"])))
			fields["password"] = hex.EncodeToString(sum[:])
		}
	case "ca_certificates":
		if block, _ := pem.Decode([]byte(text(fields["cert"]))); block != nil {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				sum := sha256.Sum256(cert.Raw)
				fields["cert_digest"] = hex.EncodeToString(sum[:])
			}
		}
	}
}

// normalTarget gives a target its port and an IPv6 address its full length.
func normalTarget(s string) (string, bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "8000"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || !isHost(host) {
		return s, false
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + addr.StringExpanded() + "]"
	}
	return host + ":" + port, true
}

// secret makes up a key of 32 letters and digits.
func secret() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}
