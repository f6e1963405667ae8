package cmd

import "testing"

// TestValidateNative: all that is wrong with sections of HAProxy is said where it stands.
func TestValidateNative(t *testing.T) {
	t.Chdir("testdata/validate")
	sameAs(t, "native.txt", saidOf(t, 1, "validate native.yaml"))
}

// TestValidateDangling: what a file would declare that is wrong is not called missing.
func TestValidateDangling(t *testing.T) {
	t.Chdir("testdata/validate")
	sameAs(t, "dangling.txt", saidOf(t, 1, "validate dangling-a.yaml dangling-b.yaml"))
}
