package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/pause"
)

// Reload tells the master at path to load its files again. From 2.7 on it answers once
// it has, with "Success=1", or with "Success=0" and why; before, at once and with nothing.
func Reload(ctx context.Context, path string, timeout time.Duration) (string, error) {
	return master(ctx, path, "reload", timeout, true)
}

// Worker runs one command in the worker with that pid, which may be one that was
// replaced and has no other socket any more.
func Worker(ctx context.Context, path string, pid int, command string, timeout time.Duration) (string, error) {
	return master(ctx, path, fmt.Sprintf("@!%d %s", pid, command), timeout, true)
}

// OldWorkers returns the pids of the workers that were replaced and have still
// something to finish, as the master at path has them.
func OldWorkers(ctx context.Context, path string, timeout time.Duration) ([]int, error) {
	answer, err := master(ctx, path, showProc, timeout, false)
	if err != nil {
		return nil, err
	}
	var pids []int
	_, list, _ := strings.Cut(answer, "# old workers\n")
	for line := range strings.Lines(list) {
		var pid int
		if strings.HasPrefix(line, "#") {
			break
		}
		if _, err := fmt.Sscanf(line, "%d worker", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Loads is how often a master has loaded its files again, and how many times it has
// failed to since.
type Loads struct{ Reloads, Failed int }

// ShowLoads asks the master at path how often it has loaded its files.
func ShowLoads(ctx context.Context, path string, timeout time.Duration) (Loads, error) {
	answer, err := master(ctx, path, showProc, timeout, false)
	if err != nil {
		return Loads{}, err
	}
	for line := range strings.Lines(answer) {
		var pid int
		var kind string
		var loads Loads
		if _, err := fmt.Sscanf(line, "%d %s %d [failed: %d]", &pid, &kind, &loads.Reloads, &loads.Failed); err == nil && kind == "master" {
			return loads, nil
		}
	}
	return Loads{}, fmt.Errorf("socket %s answered %q to \"show proc\": this is no HAProxy master socket", path, FirstLine(answer))
}

const showProc = "show proc"

// master runs one command on the master socket, which does not speak the interactive
// form before HAProxy 2.7 and refuses connections for some milliseconds around each
// reload; these are retried. So is an answer that is empty, unless it may be: 2.6
// answers a reload with nothing, and its own commands with something.
func master(ctx context.Context, path, command string, timeout time.Duration, mayBeEmpty bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		answer, err := tryMaster(ctx, path, command)
		again := errors.Is(err, syscall.ECONNREFUSED) || err == nil && answer == "" && !mayBeEmpty
		if !again || pause.For(ctx, 5*time.Millisecond) != nil {
			return answer, err
		}
	}
}

func tryMaster(ctx context.Context, path, command string) (string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return "", masterTrouble(path, err)
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return "", masterTrouble(path, err)
		}
	}
	if _, err := io.WriteString(conn, command+";quit\n"); err != nil {
		return "", masterTrouble(path, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // a reload may cut the connection
		return "", masterTrouble(path, err)
	}
	return string(answer), nil
}

func masterTrouble(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("master socket %s does not exist: start HAProxy with -W -S %s, or name the right one with --haproxy-master-socket: %w", path, path, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("master socket %s may not be opened: start HAProxy with -S %s,mode,660,gid,GROUP and run Lockstep in that group: %w", path, path, err)
	}
	return fmt.Errorf("master socket %s: %w", path, err)
}
