package socket

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswers: what HAProxy 2.6 answers is read; what it does not have is told from what is empty.
func TestAnswers(t *testing.T) {
	info, ok := ParseInfo("Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nPid: 4711\n")
	if want := (Info{4711, "2.6.12-1+deb12u4"}); info != want || !ok {
		t.Errorf("info is %+v, %v", info, ok)
	}
	if _, ok := ParseInfo("Unknown command: 'show', but maybe one of the following ones is a better match:"); ok {
		t.Error("who is no HAProxy passes for one")
	}
	if got := ParseVar("proc.generation_web: type=str value=<abc>"); got != "abc" {
		t.Errorf("the variable is %q", got)
	}
	if entries, ok := ParseMap("0x1 a.test/ web|x y\n0x2 key\n"); !ok || cmp.Diff(map[string]string{"a.test/": "web|x y", "key": ""}, entries) != "" {
		t.Errorf("the map is %v, %v", entries, ok)
	}
	if lines := ParseOrderedMap("0x1 b 1\n0x2 a 2\n"); cmp.Diff([]string{"b 1", "a 2"}, lines) != "" {
		t.Errorf("the map in its order is %q", lines)
	}
	if entries, ok := ParseMap(""); entries == nil || !ok || ParseOrderedMap("") == nil {
		t.Error("an empty map passes for one that is not there")
	}
	const unknown = "Unknown map identifier. Please use #<id> or <file>."
	if _, ok := ParseMap(unknown); ok || ParseOrderedMap(unknown) != nil {
		t.Error("a map that is not there passes for one")
	}
}

func TestParseServer(t *testing.T) {
	const rest = " 1 1 5 0 1 0 0 0 0 - 8080 - 0 0 - - 0"
	for line, want := range map[string]Server{
		"3 lockstep:web 1 w1 10.0.0.1 2 0 7" + rest:    {Name: "w1", Address: "10.0.0.1:8080", Weight: 7},
		"3 lockstep:web 1 w1 fd00::1 2 4 7" + rest:     {Name: "w1", Address: "[fd00::1]:8080", Weight: 7},
		"3 lockstep:web 1 w1 10.0.0.1 0 1 7" + rest:    {Name: "w1", Address: "10.0.0.1:8080", Weight: 7, Maint: true},
		"3 lockstep:web 1 w1 10.0.0.1 2 8 0" + rest:    {Name: "w1", Address: "10.0.0.1:8080", Drain: true},
		"3 theirs:web 1 w1 10.0.0.1 2 8 0" + rest:      {},
		"3 lockstep:web 1 w1 10.0.0.1 2 8 0 1 1 5 0 1": {},
		"# be_id be_name srv_id srv_name srv_addr":     {},
	} {
		backend, s, ok := ParseServer(line, "lockstep:")
		if want.Name == "" {
			if ok {
				t.Errorf("%q is read as %+v", line, s)
			}
			continue
		}
		if s != want || !ok || backend != "web" {
			t.Errorf("%q is read as %s %+v, %v", line, backend, s, ok)
		}
	}
}

func TestParseCrtList(t *testing.T) {
	lines, ok := ParseCrtList("# /d/certs.list\n/d/certs/a:b.pem:2 a.test *.a.test\n/d/certs/c.pem:4\n")
	want := []CrtLine{{"/d/certs/a:b.pem", "2", "a.test *.a.test"}, {"/d/certs/c.pem", "4", ""}}
	if d := cmp.Diff(want, lines); d != "" || !ok {
		t.Errorf("-want +got, %v:\n%s", ok, d)
	}
	if _, ok := ParseCrtList("didn't find the specified filename\n"); ok {
		t.Error("a list that is not there passes for one")
	}
	if got := ParseFingerprint("Filename: x\nSHA1 FingerPrint: 0AFF\nStatus: Used\n"); got != "0AFF" {
		t.Errorf("the fingerprint is %q", got)
	}
}
