package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Command says something to HAProxy as an administrator would, on its socket
// "stats" or "master", and returns the answer.
func (w *World) Command(ctx context.Context, socket, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.StateDir(), "haproxy", socket+".sock"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return "", err
		}
	}
	if socket == "master" { // which would keep the connection
		command += ";quit"
	}
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	if errors.Is(err, syscall.ECONNRESET) { // as a reload may do
		err = nil
	}
	return string(answer), err
}

// HAProxyPID returns the process of HAProxy that is "master", or the "worker"
// that answers at present.
func (w *World) HAProxyPID(ctx context.Context, which string) (int, error) {
	info, err := w.Command(ctx, "stats", "show info")
	if err != nil {
		return 0, err
	}
	match := regexp.MustCompile(`(?m)^Pid: (\d+)$`).FindStringSubmatch(info)
	if match == nil {
		return 0, fmt.Errorf("haproxy does not tell its pid: %q", info)
	}
	worker, err := strconv.Atoi(match[1])
	if err != nil || which == "worker" {
		return worker, err
	}
	return parent(worker)
}

func parent(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	match := regexp.MustCompile(`(?m)^PPid:\s+(\d+)$`).FindSubmatch(text)
	if match == nil {
		return 0, errors.New("the kernel does not tell the parent")
	}
	return strconv.Atoi(string(match[1]))
}

// Reload has HAProxy reloaded by somebody else, and waits until another worker
// answers.
func (w *World) Reload(ctx context.Context) error {
	before := 0
	return Until(ctx, func() error {
		now, err := w.HAProxyPID(ctx, "worker")
		switch {
		case err != nil: // it is busy, or just being replaced
			return err
		case before != 0 && now != before:
			return nil
		}
		before = now
		// A reload that meets another one under way is lost: ask again.
		if _, err := w.Command(ctx, "master", "reload"); err != nil {
			return err
		}
		return fmt.Errorf("worker %d still answers", before)
	})
}

// Storm asks for reloads at a rate for a while, whether HAProxy has done the last
// one or not. That its master listens to none while it does one is no failure.
func (w *World) Storm(ctx context.Context, rate int, d time.Duration) error {
	group, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for range rate * int(d/time.Second) {
		select {
		case <-ctx.Done():
			return group.Wait()
		case <-tick.C:
		}
		group.Go(func() error {
			_, err := w.Command(ctx, "master", "reload")
			for _, busy := range []error{syscall.ECONNREFUSED, syscall.EPIPE, syscall.EAGAIN, os.ErrDeadlineExceeded} {
				if errors.Is(err, busy) {
					return nil
				}
			}
			return err
		})
	}
	return group.Wait()
}

// EqualsWorld reports whether HAProxy holds, in its files and in the process,
// one server in service for each container that runs and is enabled, and nothing else.
func (w *World) EqualsWorld(ctx context.Context) error {
	running, err := w.Stage.Running(ctx, w.Prefix()+"enable=true")
	if err != nil {
		return err
	}
	var want []string
	for _, id := range running {
		want = append(want, id[:12])
	}
	slices.Sort(want)
	files, err := w.HAProxyFiles()
	if err != nil {
		return err
	}
	var filed []string
	for _, match := range regexp.MustCompile(`(?m)^\s*server ([0-9a-f]{12}) `).FindAllStringSubmatch(files, -1) {
		filed = append(filed, match[1])
	}
	slices.Sort(filed)
	state, err := w.Command(ctx, "stats", "show servers state")
	if err != nil {
		return err
	}
	var live []string
	for line := range strings.Lines(state) {
		words := strings.Fields(line)
		if len(words) > 6 && strings.HasPrefix(words[1], w.ID+":") && words[3] != "gate" { // of ours, and no way into ourselves
			if words[6] != "0" {
				return fmt.Errorf("server %s is not in service (admin state %s)", words[3], words[6])
			}
			live = append(live, words[3])
		}
	}
	slices.Sort(live)
	if !slices.Equal(want, filed) || !slices.Equal(want, live) {
		return fmt.Errorf("%d containers run; not in the files: %v, in HAProxy: %v; too much in the files: %v, in HAProxy: %v",
			len(want), without(want, filed), without(want, live), without(filed, want), without(live, want))
	}
	return nil
}

func without(all, less []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(less, s) })
}

// Resident returns the memory in MB that a process holds.
func Resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		return 0, errors.New("the kernel does not tell the resident memory")
	}
	kB, err := strconv.ParseFloat(string(match[1]), 64)
	return kB / 1000, err
}

// HAProxyCost returns how many processes HAProxy is, and the sum of their memory in MB.
func (w *World) HAProxyCost() (processes int, memory float64, err error) {
	pids, err := w.HAProxyPIDs()
	if err != nil {
		return 0, 0, err
	}
	for _, pid := range pids {
		if mb, err := Resident(pid); err == nil { // it may have ended meanwhile
			processes, memory = processes+1, memory+mb
		}
	}
	return processes, memory, nil
}
