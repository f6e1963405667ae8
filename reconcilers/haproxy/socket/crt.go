package socket

import "strings"

// ParseFingerprint reads an answer to "show ssl cert FILE": the SHA-1 of the certificate
// in upper-case hexadecimal digits; "" when there is none.
func ParseFingerprint(answer string) string {
	for line := range strings.Lines(answer) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SHA1 FingerPrint: "); ok {
			return value
		}
	}
	return ""
}

// A CrtLine is a line of a crt-list as the process has it.
type CrtLine struct {
	Path    string // of the certificate
	Number  string // by which this very line can be deleted
	Filters string // the names for which it is shown
}

// ParseCrtList reads an answer to "show ssl crt-list -n FILE": PATH:LINE FILTERS. It
// returns false when the process has no such list.
func ParseCrtList(answer string) (lines []CrtLine, ok bool) {
	if !strings.HasPrefix(answer, "# ") {
		return nil, false
	}
	for line := range strings.Lines(answer) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		colon := strings.LastIndexByte(words[0], ':')
		lines = append(lines, CrtLine{words[0][:max(colon, 0)], words[0][colon+1:], strings.Join(words[1:], " ")})
	}
	return lines, true
}
