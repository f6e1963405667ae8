package haproxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// process is the HAProxy that Lockstep runs. It lives in a session of its own
// and outlives the daemon, which finds it again by master socket and pid file.
type process struct {
	options Options
	mu      sync.Mutex
	pid     int         // of the master; 0: none is known
	orphan  bool        // it is a worker whose master died, and about to end itself
	began   time.Time   // when it was started
	exited  chan string // takes how a process that we started has ended; nil for one that we found
}

// logName holds what HAProxy says on its standard error.
const logName = "haproxy.log"

// logLimit is the size above which the log is emptied before a reload.
const logLimit = 1 << 20

func (p *process) logFile() string { return p.options.Dir + "/" + logName }

// arguments are those of the master, which it repeats by itself with each reload.
func (p *process) arguments(o Options) []string {
	arguments := []string{"-W", "-S", o.MasterSocket + ",mode,600", "-p", o.PIDFile}
	for _, file := range o.ConfigFiles {
		arguments = append(arguments, "-f", file)
	}
	return append(arguments, "-f", o.Dir)
}

// find reports whether our process runs, started by us or by a daemon before us.
func (p *process) find(ctx context.Context) (bool, error) {
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
func (p *process) mourn(ctx context.Context) {
	if p.pid == 0 || p.orphan || ctx.Err() != nil {
		return
	}
	how := "unknown"
	select {
	case how = <-p.exited:
	case <-time.After(100 * time.Millisecond): // not our child, whose end would be told at once
	}
	p.options.Log.Warn("haproxy died", "pid", p.pid, "lived", time.Since(p.began).Round(time.Millisecond), "exit", how, "log", p.logFile())
}

// fromSocket asks the kernel who made the sockets that are listened on. The
// master's own refuses connections for a moment around each reload.
func (p *process) fromSocket(ctx context.Context) int {
	for _, path := range []string{p.options.MasterSocket, p.options.StatsSocket} {
		pid, err := socket.Peer(ctx, path)
		if err != nil || !p.isOurs(ctx, pid) {
			continue
		}
		if parent := parentOf(pid); p.isOurs(ctx, parent) {
			return parent // a worker has its master's command line
		}
		return pid
	}
	return 0
}

func (p *process) fromFile(context.Context) int {
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
func (p *process) fromList(ctx context.Context) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && p.isOurs(ctx, pid) && !p.isOurs(ctx, parentOf(pid)) {
			return pid
		}
	}
	return 0
}

// isOurs makes sure that a pid is a living HAProxy that was started with our
// master socket: pids are used again.
func (p *process) isOurs(ctx context.Context, pid int) bool {
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

func parentOf(pid int) int {
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

// start runs HAProxy in a session of its own.
func (p *process) start(ctx context.Context, arguments []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.trimLog()
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return disk.Trouble(p.logFile(), err)
	}
	defer log.Close()
	command := exec.Command(p.options.Binary, arguments...) // without ctx: it outlives us
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	if p.options.AccessLog == AccessLogStdout {
		own, err := ownStdout()
		if err != nil {
			return err
		}
		defer own.Close()
		command.Stdout = own
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return binaryTrouble(p.options.Binary, err)
	}
	exited := make(chan string, 1)
	p.mu.Lock()
	p.pid, p.orphan, p.began, p.exited = command.Process.Pid, false, time.Now(), exited
	p.mu.Unlock()
	go func() { // ends with the process
		_ = command.Wait() // the state says as much as its error
		exited <- command.ProcessState.String()
	}()
	return nil
}

// master returns the pid of the process that we know; 0 for none.
func (p *process) master() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// ended returns why the process is gone; nil while it lives.
func (p *process) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 && living(p.pid) {
		return nil
	}
	return fmt.Errorf("HAProxy ended: %s", p.lastWords())
}

// lastWords returns the alerts at the end of the log.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	const tail = 4 << 10
	text = text[max(0, len(text)-tail):]
	return fmt.Sprintf("%s (see %s)", complaint(text), p.logFile())
}

// trimLog empties the log when it has grown: each reload adds a line for each proxy.
func (p *process) trimLog() {
	if info, err := os.Stat(p.logFile()); err == nil && info.Size() > logLimit {
		_ = os.Truncate(p.logFile(), 0) // a log that can't be emptied only stays long
	}
}

// finishWithin is how long HAProxy may go on with requests that are under way,
// and with connections over which none is, once it is to end.
const finishWithin = 5 * time.Second

// stop ends HAProxy: it takes no new connection and finishes what is under way;
// what is left after a while is cut.
func (p *process) stop(ctx context.Context) error {
	alive, err := p.find(ctx)
	if err != nil || !alive {
		return err
	}
	pid := p.master()
	gently, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	if err := end(gently, pid, syscall.SIGUSR1); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return end(ctx, pid, syscall.SIGTERM)
}

// end sends a signal and waits until the process is gone.
func end(ctx context.Context, pid int, signal syscall.Signal) error {
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end HAProxy (pid %d): %w", pid, err)
	}
	for living(pid) {
		if err := pause.For(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("HAProxy (pid %d) does not end: %w", pid, err)
		}
	}
	return nil
}
