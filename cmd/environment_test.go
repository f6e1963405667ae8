package cmd

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestBlameNamesTheVariable: who has set a variable looks for it, not for a flag.
func TestBlameNamesTheVariable(t *testing.T) {
	s, flags := bound(t, "--haproxy", "managed")
	variables := map[string]string{"LOCKSTEP_OWNER": "a b", "LOCKSTEP_HAPROXY": "off", "LOCKSTEP_HAPROXY_BIND": ":80"}
	lookup := func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
	if err := fromEnvironment(flags, lookup); err != nil {
		t.Fatal(err)
	}
	if err := blame(flags, s.check()); err == nil || !strings.Contains(err.Error(), "--owner is set by LOCKSTEP_OWNER") {
		t.Errorf("got %v, want an error that names LOCKSTEP_OWNER", err)
	}
	for text, want := range map[string]string{
		"unknown --haproxy": "unknown --haproxy", // the flag has won
		"--haproxy-bind x":  "--haproxy-bind x (--haproxy-bind is set by LOCKSTEP_HAPROXY_BIND)",
		"name --owner":      "name --owner (--owner is set by LOCKSTEP_OWNER)",
		"--owners":          "--owners",
	} {
		if got := blame(flags, errors.New(text)); got.Error() != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if err := blame(flags, nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	var out bytes.Buffer
	log, err := newLogger(&out, "text", "info")
	if err != nil {
		t.Fatal(err)
	}
	warnOfUnknown(log, variables(New("test")), []string{
		"LOCKSTEP_OWNR=x", "LOCKSTEP_OWNER=x", "LOCKSTEP_OUTPUT=json", "LOCKSTEP_ZZZZZZ=secret", "HOME=/root",
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "variable=LOCKSTEP_OWNR did_you_mean=LOCKSTEP_OWNER") ||
		!strings.Contains(lines[1], "LOCKSTEP_ZZZZZZ") || strings.Contains(out.String(), "secret") {
		t.Errorf("got:\n%s", out.String())
	}
}
