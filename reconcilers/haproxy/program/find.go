package program

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// Find reports whether our process runs, started by us or by a daemon before us.
func (p *Process) Find(ctx context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 && p.isOurs(ctx, p.pid) {
		return true, nil
	}
	p.mourn(ctx)
	p.pid, p.exited = 0, nil
	for _, look := range []func(context.Context) int{p.fromSocket, p.fromFile, p.fromList} {
		if pid := look(ctx); pid != 0 && p.isOurs(ctx, pid) {
			p.pid, p.orphan, p.began = pid, !leads(pid), time.Now()
			if age, err := ageOf(pid); err == nil {
				p.began = p.began.Add(-age)
			}
			return true, nil
		}
	}
	return false, nil
}

// mourn says, once, that the process that we knew has died. How is known of one
// that we started ourselves.
func (p *Process) mourn(ctx context.Context) {
	if p.pid == 0 || p.orphan || ctx.Err() != nil {
		return
	}
	how := "unknown"
	select {
	case how = <-p.exited:
	case <-time.After(100 * time.Millisecond): // not our child, whose end would be told at once
	}
	p.options.Log.Warn("haproxy died", "pid", p.pid, "lived", time.Since(p.began).Round(time.Millisecond), "exit", how, "log", p.LogFile())
}

// fromSocket asks the kernel who made the sockets that are listened on. The
// master's own refuses connections for a moment around each reload.
func (p *Process) fromSocket(ctx context.Context) int {
	for _, path := range []string{p.options.MasterSocket, p.options.StatsSocket} {
		pid, err := socket.Peer(ctx, path)
		if err != nil || !p.isOurs(ctx, pid) {
			continue
		}
		if parent := parent(pid); p.isOurs(ctx, parent) {
			return parent // a worker has its master's command line
		}
		return pid
	}
	return 0
}

func (p *Process) fromFile(context.Context) int {
	text, err := os.ReadFile(p.options.PIDFile)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return pid
}

// fromList looks through all processes: one that a daemon started just before it
// was killed has neither sockets nor a pid file yet, and a second HAProxy beside
// it could share its ports.
func (p *Process) fromList(ctx context.Context) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && p.isOurs(ctx, pid) && !p.isOurs(ctx, parent(pid)) {
			return pid
		}
	}
	return 0
}

// isOurs makes sure that a pid is a living HAProxy that was started with our
// master socket: pids are used again.
func (p *Process) isOurs(ctx context.Context, pid int) bool {
	for living(pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			return false
		}
		// With each reload the master replaces its program by itself; in the
		// middle of that it has no command line. A thread of the kernel never
		// has one, and no program either: a pid from before a reboot may be its.
		if len(line) == 0 {
			if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || pause.For(ctx, time.Millisecond) != nil {
				return false
			}
			continue
		}
		words := strings.Split(string(line), "\x00")
		for i, word := range words {
			if word == "-S" && i+1 < len(words) && strings.HasPrefix(words[i+1]+",", p.options.MasterSocket+",") {
				return true
			}
		}
		return false
	}
	return false
}
