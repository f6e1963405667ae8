package socket

import (
	"strings"
	"testing"
)

// TestSayCheck: a server that is coming back is not said to fail, and TLS is told from HTTP.
func TestSayCheck(t *testing.T) {
	for name, c := range map[string]struct{ state, result, description, code, said, fix string }{
		"rising":        {"DOWN 1/2", "L7OK", "Layer7 check passed", "200", "not passed often enough in a row yet (1/2): Layer7 check passed (200)", "check_rise"},
		"between two":   {"DOWN 1/3", "* L4OK", "Layer4 check passed", "", "(1/3): Layer4 check passed", "check_rise"},
		"in its words":  {"DOWN 1/3", "L7OKC", "Layer7 check conditionally passed", "404", "yet (1/3)", "check_rise"},
		"not yet":       {"DOWN", "INI", "Initializing", "", "has not ended yet", "wait"},
		"wrong answer":  {"DOWN", "L7STS", "Layer7 wrong status", "500", "fails: Layer7 wrong status (500)", "check_*"},
		"TLS":           {"DOWN", "L6RSP", "Layer6 invalid response", "", "fails: Layer6 invalid response", "tls_servername, else of check_host"},
		"by requests":   {"DOWN", "HANA", "Detected 3 consecutive errors, last one was: Wrong http response", "", "because requests failed (check_passive): Detected 3 consecutive errors", "check_rise"},
		"checked again": {"DOWN", "* HANA", "", "", "(check_passive): too many in a row", "check_rise"},
		"nothing known": {"DOWN", "", "", "", "HAProxy's own check fails", "check_*"},
	} {
		said, fix := sayCheck(c.state, c.result, c.description, c.code)
		if !strings.Contains(said, c.said) || !strings.Contains(fix, c.fix) || strings.HasSuffix(said, ": ") {
			t.Errorf("%s: %q; %q", name, said, fix)
		}
	}
}
