package pemfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	got, err := Named([]string{"/a=b.pem", "internal=/b.pem", "x.y=/c=d.pem"})
	if err != nil || len(got) != 3 || got[""] != "/a=b.pem" || got["internal"] != "/b.pem" || got["x.y"] != "/c=d.pem" {
		t.Errorf("%v %v", got, err)
	}
	for _, wrong := range [][]string{{"a b=/x"}, {"a="}, {""}, {"/a", "/b"}, {"a=/a", "a=/b"}, {"A=/y"}, {strings.Repeat("a", 65) + "=/y"}} {
		if got, err := Named(wrong); err == nil {
			t.Errorf("%q became %v", wrong, got)
		}
	}
}

func TestBlocksAreRead(t *testing.T) {
	const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	for text, want := range map[string]string{"": "holds no", "nothing": "holds no", broken: "can't be read", strings.ReplaceAll(broken, "CERTIFICATE", "PRIVATE KEY"): "holds no"} {
		if blocks, err := Blocks(text, Certificate); len(blocks) > 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q became %q, %v", text, blocks, err)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, make([]byte, Longest+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none"): "does not exist", long: "too long", dir: "is a directory"} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
