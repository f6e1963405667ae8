package haproxy

import (
	"path/filepath"
	"strings"
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
func (d *directory) lookAtCertificates(s *session) (map[string]liveCertificate, error) {
	answers, err := s.send([]string{"show ssl cert", "show ssl crt-list -n " + d.file(certificatesName)})
	if err != nil {
		return nil, err
	}
	lines, known := d.parseList(answers[1])
	if !known {
		return nil, nil
	}
	certs := map[string]liveCertificate{}
	var names, commands []string
	for line := range strings.Lines(answers[0]) {
		if name, ours := d.certificateName(strings.TrimSpace(line)); ours {
			names, commands = append(names, name), append(commands, "show ssl cert "+d.file(name))
		}
	}
	if answers, err = s.send(commands); err != nil {
		return nil, err
	}
	for i, name := range names {
		live := liveCertificate{print: fingerprint(answers[i])}
		for _, line := range lines[name] {
			live.filters = append(live.filters, line.filters)
		}
		certs[name] = live
	}
	return certs, nil
}

// certificateName takes the directory off a path, of ours alone.
func (d *directory) certificateName(path string) (string, bool) {
	name, ours := strings.CutPrefix(path, d.path+"/")
	return name, ours && filepath.Dir(name) == certificatesDir
}

// fingerprint reads the answer to "show ssl cert FILE".
func fingerprint(answer string) string {
	for line := range strings.Lines(answer) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SHA1 FingerPrint: "); ok {
			return value
		}
	}
	return ""
}

// listLine is a line of the list in the process.
type listLine struct{ number, filters string }

// parseList reads the answer to "show ssl crt-list -n": PATH:LINE FILTERS. It
// returns false when the process has no such list.
func (d *directory) parseList(answer string) (map[string][]listLine, bool) {
	if !strings.HasPrefix(answer, "# ") {
		return nil, false
	}
	lines := map[string][]listLine{}
	for line := range strings.Lines(answer) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		colon := strings.LastIndexByte(words[0], ':')
		if name, ours := d.certificateName(words[0][:max(colon, 0)]); ours {
			lines[name] = append(lines[name], listLine{words[0][colon+1:], strings.Join(words[1:], " ")})
		}
	}
	return lines, true
}
