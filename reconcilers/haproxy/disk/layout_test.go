package disk

import "testing"

// TestIsConfig: which *.cfg are ours follows from their names.
func TestIsConfig(t *testing.T) {
	for name, ours := range map[string]bool{
		"lockstep.cfg": true, "lockstep_native.cfg": true, "lockstep_07.cfg": true, "lockstep_spare_012.cfg": true, "lockstep_tcp_000.cfg": true,
		"haproxy.cfg": false, "lockstep_7.cfg": false, "lockstep_007.cfg": false, "lockstep_spare_12.cfg": false, "lockstep_ab.cfg": false, "lockstep_07": false, ".lockstep_07.cfg": false,
	} {
		if isConfig(name) != ours {
			t.Errorf("%s: ours is %v", name, !ours)
		}
	}
}

func TestWrittenFor(t *testing.T) {
	for text, owner := range map[string]string{
		"# mine\n": "",
		"# Written by Lockstep for the owner \"a-b\": changes made here are overwritten.\nglobal\n": "a-b",
		"# Written by Lockstep for the owner \"a\": and more\n":                                     "",
		ShardHead + "backend a-b:shop from a-b::defaults\n":                                         "a-b",
		ShardHead + "# mine\n": "",
	} {
		if got, written := writtenFor([]byte(text)); written != (owner != "") || written && got != owner {
			t.Errorf("%q: %q %t, want %q", text, got, written, owner)
		}
	}
}
