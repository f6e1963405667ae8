package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNotOurs: a pid is not ours for standing in our file.
func TestNotOurs(t *testing.T) {
	p := New(Options{MasterSocket: "/run/nobodys.sock", StatsSocket: "/run/nobodys.sock", PIDFile: filepath.Join(t.TempDir(), "pid"), Log: slog.New(slog.DiscardHandler)})
	// Somebody else's process under the pid in the file is not ours.
	if err := os.WriteFile(p.options.PIDFile, fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	if p.isOurs(t.Context(), os.Getpid()) {
		t.Error("the test itself is taken for HAProxy")
	}
	if found, err := p.Find(t.Context()); found || err != nil || p.PID() != 0 {
		t.Errorf("found is %v, %v", found, err)
	}
	// Nor is a thread of the kernel, which a pid from before a reboot may be.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if p.isOurs(ctx, 2) || ctx.Err() != nil {
		t.Errorf("a thread of the kernel: %v", ctx.Err())
	}
}

func TestAgeOf(t *testing.T) {
	first, err := ageOf(os.Getpid())
	if err != nil || first > time.Hour {
		t.Fatal(first, err)
	}
	if init, err := ageOf(1); err != nil || init < first {
		t.Fatalf("the first process is %s old, this one %s: %v", init, first, err)
	}
}

// TestOutlived: the end of a process is noticed, whoever's child it is; so is that nobody
// waits for it any more.
func TestOutlived(t *testing.T) {
	command := exec.Command("sleep", "1000")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if Outlived(ctx, command.Process.Pid) {
		t.Error("a process that lives is taken for dead")
	}
	ended := make(chan bool)
	go func() { ended <- Outlived(t.Context(), command.Process.Pid) }()
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if !<-ended {
		t.Error("the end was not noticed")
	}
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if living(command.Process.Pid) {
		t.Error("it lives on")
	}
}

// TestCheckFiles: HAProxy's complaint is an answer; that there is no program is an error.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "haproxy")
	says := func(code int, text string) {
		script := fmt.Sprintf("#!/bin/sh\ncat <<'END'\n%s\nEND\nexit %d\n", text, code)
		if err := os.WriteFile(program, []byte(script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	says(1, "[NOTICE]   (7) : haproxy version is 2.6\n[ALERT]    (7) : config : parsing [a.cfg:3] : unknown keyword 'x'.\n[ALERT]    (7) : config : Error(s) found in configuration file : a.cfg")
	if got, err := Check(t.Context(), program, []string{"a.cfg"}); err != nil || got != "parsing [a.cfg:3] : unknown keyword 'x'." {
		t.Errorf("%q, %v", got, err)
	}
	for _, code := range []int{0, noListener} {
		says(code, "Configuration file is valid")
		if got, err := Check(t.Context(), program, []string{"a.cfg"}); err != nil || got != "" {
			t.Errorf("%d: %q, %v", code, got, err)
		}
	}
	says(0, "HAProxy version 2.6.12-1+deb12u4 2026/01/01 - https://haproxy.org/")
	if got, err := Version(t.Context(), program); err != nil || got != "2.6.12-1+deb12u4" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Version(t.Context(), filepath.Join(dir, "absent")); err == nil || !strings.Contains(err.Error(), "--haproxy-binary") {
		t.Error(err)
	}
}
