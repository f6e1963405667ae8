package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Version returns the version of the program at binary, as "2.6.12-1+deb12u4".
func Version(ctx context.Context, binary string) (string, error) {
	output, err := exec.CommandContext(ctx, binary, "-v").Output()
	if err != nil {
		return "", trouble(binary, err)
	}
	_, rest, _ := strings.Cut(string(output), "ersion ") // "HAProxy version", before 2.4 "HA-Proxy version"
	number, _, _ := strings.Cut(rest, " ")
	return number, nil
}

// noListener is the code with which HAProxy finds no error and nothing to do.
const noListener = 2

// Check runs `haproxy -c` over files, in HAProxy's order, and returns its complaint;
// "" when all is well. An error says that it could not be asked.
func Check(ctx context.Context, binary string, files []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if len(files) == 0 {
		return "", nil
	}
	arguments := []string{"-W", "-c"}
	for _, file := range files {
		arguments = append(arguments, "-f", file)
	}
	output, err := exec.CommandContext(ctx, binary, arguments...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == noListener:
		return "", nil
	case errors.As(err, &exit) && ctx.Err() == nil:
		return Complaint(output), nil
	}
	return "", trouble(binary, err)
}

// trouble says why a program can't be run, and what to do.
func trouble(binary string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("HAProxy's program %q is not here: install HAProxy 2.6 or newer (Debian: apt-get install haproxy), or name it with --haproxy-binary: %w", binary, err)
	}
	return fmt.Errorf("run %s: %w", binary, err)
}

// Complaint picks the alerts out of what HAProxy wrote, three at most; all of it where there
// are none.
func Complaint(output []byte) string {
	var alerts []string
	for line := range bytes.Lines(output) {
		text := strings.TrimSpace(string(line))
		if _, message, ok := strings.Cut(text, "[ALERT]"); ok {
			_, message, _ = strings.Cut(message, ": ")
			message = strings.TrimPrefix(strings.TrimSpace(message), "config : ")
			if !strings.HasPrefix(message, "Error(s) found in") && !strings.HasPrefix(message, "Fatal errors found") {
				alerts = append(alerts, message)
			}
		}
	}
	if len(alerts) > 3 {
		alerts = append(alerts[:3], "…")
	}
	if len(alerts) == 0 {
		return strings.TrimSpace(string(output))
	}
	return strings.Join(alerts, "; ")
}
