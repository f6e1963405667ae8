package program

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ageOf returns how long ago a process was started.
func ageOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const startTime, ticks = 19, 100 // the field after the name; Linux counts for programs in 1/100 s
	if len(words) <= startTime {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields after the name", pid, len(words))
	}
	began, err := strconv.ParseFloat(words[startTime], 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	now, _, _ := strings.Cut(string(uptime), " ")
	up, err := strconv.ParseFloat(now, 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/uptime: %w", err)
	}
	return max(0, time.Duration((up-began/ticks)*float64(time.Second))), nil
}

// Outlived waits until a process has ended, and reports whether it has before
// ctx did. The process need not be our child.
func Outlived(ctx context.Context, pid int) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return err == unix.ESRCH //nolint:errorlint // a bare errno; without pidfds the ticker notices
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { file.Close() })
	defer stop()
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	over := false
	err = raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) //nolint:gosec // a descriptor fits
		over = err == nil && n > 0
		return over
	})
	return err == nil && over
}

// living reports whether a process is there and no zombie.
func living(pid int) bool {
	state, _ := statOf(pid)
	return state != "" && state != "Z" && state != "X"
}

// leads reports whether a process leads its session, as the master that we start does.
func leads(pid int) bool {
	session, err := unix.Getsid(pid)
	return err == nil && session == pid
}

func parent(pid int) int {
	_, parent := statOf(pid)
	return parent
}

// statOf returns a process's state and parent; "" and 0 when there is none.
func statOf(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	end := strings.LastIndexByte(string(stat), ')') // the name before it may hold anything
	words := strings.Fields(string(stat[end+1:]))
	if len(words) < 2 {
		return "", 0
	}
	parent, err = strconv.Atoi(words[1])
	if err != nil {
		return "", 0
	}
	return words[0], parent
}
