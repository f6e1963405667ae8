// Package contract finds what a real Kong was recorded to answer, for tests that compare
// with it. It lies beside the repository; KONG_CONTRACT_DIR names another place.
package contract

import (
	"os"
	"path/filepath"
	"testing"
)

// Variable names the folder.
const Variable = "KONG_CONTRACT_DIR"

// Find returns the path of a file of the recording. Where there is none beside the
// repository the test is skipped; where the variable names one that is not there, or the
// recording lacks the file, it fails.
func Find(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		dir = beside(tb)
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			tb.Skipf("no recorded answers of a real Kong beside the repository (%s names their folder): nothing to compare with", Variable)
		}
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("the recorded answers of a real Kong (%s): %v", Variable, err)
	}
	return path
}

// beside is the folder beside the repository.
func beside(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, "..", "shared", "kong-contract")
}
