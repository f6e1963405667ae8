package cmd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// isPath reports whether a flag's values are paths of this machine, as its usage says.
func isPath(f *pflag.Flag) bool {
	noun, _ := pflag.UnquoteUsage(f)
	return slices.Contains([]string{"file", "directory", "path"}, noun) && f.Name != "git-path"
}

// besides returns the path that a file at path means by a value of the flag: what is
// relative is so to the directory of the file, wherever a command is started.
func besides(path string, f *pflag.Flag, value string) (string, error) {
	if !isPath(f) {
		return value, nil
	}
	before := ""
	switch f.Name {
	case "backend-ca": // FILE or NAME=FILE
		if name, file, named := strings.Cut(value, "="); named && !strings.Contains(name, "/") {
			before, value = name+"=", file
		}
	case "haproxy-binary":
		if !strings.Contains(value, "/") { // it is looked for in PATH
			return value, nil
		}
	}
	if value == "" || filepath.IsAbs(value) {
		return before + value, nil
	}
	whole, err := filepath.Abs(filepath.Join(filepath.Dir(path), value))
	if err != nil {
		return "", fmt.Errorf("the directory of %s: %w", path, err)
	}
	return before + whole, nil
}

// located returns the values of a setting in a file as the flag is to have them.
func located(path string, f *pflag.Flag, values []string) ([]string, error) {
	out := make([]string, len(values))
	for i, value := range values {
		whole, err := besides(path, f, value)
		if err != nil {
			return nil, err
		}
		out[i] = whole
	}
	return out, nil
}
