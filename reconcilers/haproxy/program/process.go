package program

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Options say what a process is started with, and so by what it is found again. All
// paths are absolute.
type Options struct {
	Binary                             string   // HAProxy's program
	ConfigFiles                        []string // that it loads before those of Dir
	Dir                                string   // our directory, in which its log stands as well
	MasterSocket, StatsSocket, PIDFile string
	OwnStdout                          bool // it writes to our standard output, and not into its log
	Log                                *slog.Logger
}

// Process is the HAProxy that Lockstep runs. It lives in a session of its own
// and outlives the daemon, which finds it again by master socket and pid file.
// Its methods may be called from any goroutine.
type Process struct {
	options Options
	mu      sync.Mutex
	pid     int         // of the master; 0: none is known
	orphan  bool        // it is a worker whose master died, and about to end itself
	began   time.Time   // when it was started
	exited  chan string // takes how a process that we started has ended; nil for one that we found
}

const logName = "haproxy.log"

// logLimit is the size above which the log is emptied before a reload.
const logLimit = 1 << 20

// LogFile returns the path of the file that holds what it says on its standard error.
func (p *Process) LogFile() string { return p.options.Dir + "/" + logName }

// New returns a process that nothing is known of yet.
func New(o Options) *Process { return &Process{options: o} }

// arguments are those of the master, which it repeats by itself with each reload.
func (p *Process) arguments() []string {
	o := p.options
	arguments := []string{"-W", "-S", o.MasterSocket + ",mode,600", "-p", o.PIDFile}
	for _, file := range o.ConfigFiles {
		arguments = append(arguments, "-f", file)
	}
	return append(arguments, "-f", o.Dir)
}

// Start runs HAProxy in a session of its own.
func (p *Process) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.TrimLog()
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return disk.Trouble(p.LogFile(), err)
	}
	defer log.Close()
	command := exec.Command(p.options.Binary, p.arguments()...) // without ctx: it outlives us
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	if p.options.OwnStdout {
		own, err := ownStdout()
		if err != nil {
			return err
		}
		defer own.Close()
		command.Stdout = own
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return trouble(p.options.Binary, err)
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

// PID returns the pid of the process that we know; 0 for none.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Owns reports whether a pid is that of the process or of one of its workers.
func (p *Process) Owns(pid int) bool {
	master := p.PID()
	return pid == master || parent(pid) == master
}

// Age returns how long ago the process was started.
func (p *Process) Age() (time.Duration, error) { return ageOf(p.PID()) }

// Ended returns why the process is gone; nil while it lives.
func (p *Process) Ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 && living(p.pid) {
		return nil
	}
	return fmt.Errorf("HAProxy ended: %s", p.LastWords())
}

// LastWords returns the alerts at the end of the log.
func (p *Process) LastWords() string {
	text, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	const tail = 4 << 10
	text = text[max(0, len(text)-tail):]
	return fmt.Sprintf("%s (see %s)", Complaint(text), p.LogFile())
}

// TrimLog empties the log when it has grown: each reload adds a line for each proxy.
func (p *Process) TrimLog() {
	if info, err := os.Stat(p.LogFile()); err == nil && info.Size() > logLimit {
		_ = os.Truncate(p.LogFile(), 0) // a log that can't be emptied only stays long
	}
}
