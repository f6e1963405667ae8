package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
)

// CertificatesBelow returns the names of certificates that stand at or below a path.
func (m *Model) CertificatesBelow(root string) []string {
	if m == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.Certs)), func(name string) bool {
		return name != root && !strings.HasPrefix(name, strings.TrimSuffix(root, "/")+"/")
	})
}

// IsDefault reports whether the certificate is shown where no name fits.
func (m *Model) IsDefault(name string) bool {
	shown := m.Certs[crt.Default]
	return shown != nil && shown.Of == name
}

// EndsTLS reports whether the sections have a listener for TLS.
func (m *Model) EndsTLS() bool {
	for _, o := range m.openings {
		if o.EndsTLS() {
			return true
		}
	}
	return frontend.EndsTLS(m.base)
}

// LiveCertificates is what a process has that has just loaded the model.
func (m *Model) LiveCertificates() map[string]crt.Live {
	if !m.EndsTLS() {
		return nil
	}
	live := map[string]crt.Live{}
	for _, c := range m.Certs {
		live[c.File()] = crt.Live{Print: c.Print, Filters: []string{c.Filters()}}
	}
	return live
}

// copyPattern finds the copies that sections name.
var copyPattern = regexp.MustCompile(`/[^ ]*/(` + disk.AuthorityPrefix + `|` + disk.KeysPrefix + `)[0-9a-f]+\.pem`)

// Authorities returns the copies that a model's sections name, sorted.
func (m *Model) Authorities() []string {
	files := copyPattern.FindAllString(frontend.Open(m.base, m.openings), -1)
	for _, name := range m.order {
		for _, b := range m.sections[name].Backends {
			if b.Upstream.CA != "" {
				files = append(files, b.Upstream.CA)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}
