package haproxy

import (
	"path/filepath"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// liveCertificate is one of ours as the process has it.
type liveCertificate struct {
	print   string   // SHA-1
	filters []string // one for each of its lines in the list
}

// runs reports whether the process has exactly this one.
func (l liveCertificate) runs(c *certificate) bool {
	return l.print == c.print && len(l.filters) == 1 && l.filters[0] == c.filters()
}

// lookAtCertificates reads ours from the process, by the names of their files;
// nil when it has not loaded the list.
func lookAtCertificates(d *disk.Directory, s *socket.Session) (map[string]liveCertificate, error) {
	answers, err := s.Send([]string{"show ssl cert", "show ssl crt-list -n " + d.File(disk.Certificates)})
	if err != nil {
		return nil, err
	}
	lines, known := parseCertificateList(d, answers[1])
	if !known {
		return nil, nil
	}
	certs := map[string]liveCertificate{}
	var names, commands []string
	for line := range strings.Lines(answers[0]) {
		if name, ours := ownCertificateName(d, strings.TrimSpace(line)); ours {
			names, commands = append(names, name), append(commands, "show ssl cert "+d.File(name))
		}
	}
	if answers, err = s.Send(commands); err != nil {
		return nil, err
	}
	for i, name := range names {
		live := liveCertificate{print: socket.ParseFingerprint(answers[i])}
		for _, line := range lines[name] {
			live.filters = append(live.filters, line.Filters)
		}
		certs[name] = live
	}
	return certs, nil
}

// ownCertificateName takes the directory off a path, of ours alone.
func ownCertificateName(d *disk.Directory, path string) (string, bool) {
	name, ours := strings.CutPrefix(path, d.Path+"/")
	return name, ours && filepath.Dir(name) == disk.CertificatesDir
}

// parseCertificateList reads the process's list, by the names of our files. It returns false
// when the process has none.
func parseCertificateList(d *disk.Directory, answer string) (map[string][]socket.CrtLine, bool) {
	all, known := socket.ParseCrtList(answer)
	lines := map[string][]socket.CrtLine{}
	for _, line := range all {
		if name, ours := ownCertificateName(d, line.Path); ours {
			lines[name] = append(lines[name], line)
		}
	}
	return lines, known
}
