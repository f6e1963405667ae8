package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/e2e/harness"
)

// logs waits until the daemon's output matches the pattern.
func logs(ctx context.Context, s story, text string) error {
	pattern, err := regexp.Compile("(?m)" + text)
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		log, err := os.ReadFile(s.LogFile())
		if err == nil && !pattern.Match(log) {
			err = fmt.Errorf("the daemon's log has no match for %q", text)
		}
		return err
	})
}

// logged N PATTERN makes sure that so many lines of the daemon's output match the pattern.
func logged(s story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: daemon logged N PATTERN")
	}
	pattern, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	log, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err
	}
	count := 0
	for line := range strings.Lines(string(log)) {
		if pattern.MatchString(line) {
			count++
		}
	}
	if strconv.Itoa(count) != args[0] {
		return fmt.Errorf("%d lines of the daemon's log match %q, want %s", count, args[1], args[0])
	}
	return nil
}

// hides makes sure that a text stands nowhere in the daemon's output.
func hides(s story, text string) error {
	log, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, text) {
			return fmt.Errorf("the daemon's log shows %q: %s", text, line)
		}
	}
	return nil
}
