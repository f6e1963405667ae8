package crt

import (
	"path/filepath"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// Live is one of ours as the process has it.
type Live struct {
	Print   string   // SHA-1
	Filters []string // one for each of its lines in the list
}

// Runs reports whether the process has exactly this one.
func (l Live) Runs(c *Certificate) bool {
	return l.Print == c.Print && len(l.Filters) == 1 && l.Filters[0] == c.Filters()
}

// Look reads ours from the process, by the names of their files;
// nil when it has not loaded the list.
func Look(d *disk.Directory, s *socket.Session) (map[string]Live, error) {
	answers, err := s.Send([]string{"show ssl cert", "show ssl crt-list -n " + d.File(disk.Certificates)})
	if err != nil {
		return nil, err
	}
	lines, known := ParseList(d, answers[1])
	if !known {
		return nil, nil
	}
	certs := map[string]Live{}
	var names, commands []string
	for line := range strings.Lines(answers[0]) {
		if name, ours := FileName(d, strings.TrimSpace(line)); ours {
			names, commands = append(names, name), append(commands, "show ssl cert "+d.File(name))
		}
	}
	if answers, err = s.Send(commands); err != nil {
		return nil, err
	}
	for i, name := range names {
		live := Live{Print: socket.ParseFingerprint(answers[i])}
		for _, line := range lines[name] {
			live.Filters = append(live.Filters, line.Filters)
		}
		certs[name] = live
	}
	return certs, nil
}

// FileName takes the directory off a path, of ours alone.
func FileName(d *disk.Directory, path string) (string, bool) {
	name, ours := strings.CutPrefix(path, d.Path+"/")
	return name, ours && filepath.Dir(name) == disk.CertificatesDir
}

// ParseList reads the process's list, by the names of our files. It returns false
// when the process has none.
func ParseList(d *disk.Directory, answer string) (map[string][]socket.CrtLine, bool) {
	all, known := socket.ParseCrtList(answer)
	lines := map[string][]socket.CrtLine{}
	for _, line := range all {
		if name, ours := FileName(d, line.Path); ours {
			lines[name] = append(lines[name], line)
		}
	}
	return lines, known
}
