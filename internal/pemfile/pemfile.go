// Package pemfile reads files of certificates as operators name them: bounded, with
// errors that say what to do, and of the text only what is asked for.
package pemfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The kinds of blocks.
const (
	Certificate = "CERTIFICATE"
	Revoked     = "X509 CRL"
)

// Longest is the most bytes that a file may have: far more than any needs.
const Longest = 1 << 20

// Read returns the text of a file, or says why it can't be read.
func Read(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not hold us
	if err != nil {
		return "", Trouble(path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, Longest+1))
	if err != nil {
		return "", Trouble(path, err)
	}
	if len(text) > Longest {
		return "", fmt.Errorf("%s is too long for a certificate", path)
	}
	return string(text), nil
}

// Trouble words why a file can't be read.
func Trouble(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read by the user that Lockstep runs as", path)
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// Stamp is another text whenever a file is another one, as far as stat tells.
func Stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("%s %v\n", path, err)
	}
	text := fmt.Sprintf("%s %d %d %d", path, info.Size(), info.ModTime().UnixNano(), info.Mode())
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		text += fmt.Sprintf(" %d %d", stat.Dev, stat.Ino)
	}
	return text + "\n"
}

// Blocks returns the blocks of a kind that a text holds, each in its plain form and
// followed by nothing else. wrong is about those that can't be read, which are left out.
func Blocks(text, kind string) (blocks []string, wrong error) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != kind {
			continue
		}
		_, err := x509.ParseCertificate(block.Bytes)
		if kind == Revoked {
			_, err = x509.ParseRevocationList(block.Bytes)
		}
		if err != nil {
			wrong = fmt.Errorf("it holds a %s that can't be read: %w", kind, err)
			continue
		}
		blocks = append(blocks, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})))
	}
	if len(blocks) == 0 && wrong == nil {
		wrong = fmt.Errorf("it holds no %s in PEM", kind)
	}
	return blocks, wrong
}

// longestName is the most characters of a name.
const longestName = 64

// Named reads "FILE" and "NAME=FILE": the absolute paths by name, that of "FILE" by "".
// What has a slash before its "=" is a path.
func Named(list []string) (map[string]string, error) {
	paths := map[string]string{}
	for _, text := range list {
		name, path, named := strings.Cut(text, "=")
		if named = named && !strings.Contains(name, "/"); !named {
			name, path = "", text
		}
		if named && !isName(name) || path == "" {
			return nil, fmt.Errorf("%q names no file; write FILE or NAME=FILE, the name of lower-case letters, digits and ._-", text)
		}
		if _, twice := paths[name]; twice {
			return nil, fmt.Errorf("two files have the name %q; give each its own, as in internal=/etc/ssl/internal.pem", name)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", path, err)
		}
		paths[name] = absolute
	}
	return paths, nil
}

func isName(name string) bool {
	return name != "" && len(name) <= longestName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
