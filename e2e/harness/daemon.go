package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is one run of lockstep run.
type daemon struct {
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read after done
}

// Status is what a story reads of the daemon's /status.
type Status struct {
	Ready    bool `json:"ready"`
	Gateways []struct {
		Name    string    `json:"name"`
		Reason  string    `json:"reason"`
		Error   string    `json:"error"`
		Applied time.Time `json:"applied"`
		Pending int       `json:"pending"`
		Changes int       `json:"changes"`
	} `json:"gateways"`
}

// Start starts lockstep run with further flags and does not wait for it.
func (w *World) Start(flags ...string) error {
	if w.daemon != nil {
		return errors.New("the daemon runs already")
	}
	log, err := os.OpenFile(w.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(w.options.Binary, append([]string{"run"}, flags...)...)
	cmd.Env = os.Environ()
	for name, value := range w.Settings() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, w.Dir
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start lockstep: %w", err)
	}
	d := &daemon{process: cmd.Process, done: make(chan struct{})}
	go func() { d.err = cmd.Wait(); close(d.done) }()
	w.daemon = d
	return nil
}

// Up starts the daemon and waits until it is ready: the source is loaded and
// both gateways hold what is desired.
func (w *World) Up(ctx context.Context, flags ...string) error {
	if err := w.Start(flags...); err != nil {
		return err
	}
	return w.Ready(ctx)
}

// Ready waits until the daemon says that it is ready.
func (w *World) Ready(ctx context.Context) error {
	return w.until(ctx, func() error {
		resp, err := w.read(ctx, "/readyz") // which costs nothing, however many services there are
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		why, err := io.ReadAll(resp.Body)
		return errors.Join(errors.New(string(why)), err)
	})
}

// Settle waits until every gateway has ended two more rounds well. It needs a
// daemon that runs with a short --resync.
func (w *World) Settle(ctx context.Context) error {
	for range 2 {
		since := time.Now()
		err := w.untilStatus(ctx, func(s Status) error {
			for _, g := range s.Gateways {
				if !g.Applied.After(since) || g.Pending > 0 {
					return fmt.Errorf("%s has not ended a round since %s", g.Name, since.Format(time.TimeOnly))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *World) untilStatus(ctx context.Context, ok func(Status) error) error {
	return w.until(ctx, func() error {
		s, err := w.Status(ctx)
		if err != nil {
			return err
		}
		return ok(s)
	})
}

// until waits until ok returns nil, and gives up when the daemon has ended.
func (w *World) until(ctx context.Context, ok func() error) error {
	if w.daemon == nil {
		return errors.New("no daemon runs")
	}
	err := Until(ctx, func() error {
		select {
		case <-w.daemon.done:
			return nil
		default:
		}
		return ok()
	})
	select {
	case <-w.daemon.done:
		return fmt.Errorf("the daemon has ended: %w\n%s", w.daemon.err, w.LogTail())
	default:
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, w.LogTail())
	}
	return nil
}

// Status asks the daemon how it is.
func (w *World) Status(ctx context.Context) (Status, error) {
	var s Status
	resp, err := w.read(ctx, "/status")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("/status answers %s", resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// read asks the daemon's read-only interface. The caller closes the answer's body.
func (w *World) read(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.listen+path, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// Stop asks the daemon to end, as systemd does, and waits for it. An end that
// is not clean is an error.
func (w *World) Stop() error {
	err := w.end(syscall.SIGTERM)
	if err != nil {
		return fmt.Errorf("the daemon's end: %w\n%s", err, w.LogTail())
	}
	return nil
}

// Kill ends the daemon by SIGKILL.
func (w *World) Kill() error {
	var exit *exec.ExitError
	if err := w.end(syscall.SIGKILL); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

func (w *World) end(signal syscall.Signal) error {
	d := w.daemon
	if d == nil {
		return errors.New("no daemon runs")
	}
	if err := d.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-d.done:
	case <-time.After(Patience):
		err := d.process.Kill()
		<-d.done
		w.daemon = nil
		return errors.Join(fmt.Errorf("it was still there %s after %v", Patience, signal), err)
	}
	w.daemon = nil
	return d.err
}

// LogFile is where the daemon's output goes.
func (w *World) LogFile() string { return filepath.Join(w.Dir, "lockstep.log") }

// LogTail returns the end of the daemon's output.
func (w *World) LogTail() string {
	data, err := os.ReadFile(w.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(data), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// PID returns the daemon's process id, 0 when none runs.
func (w *World) PID() int {
	if w.daemon == nil {
		return 0
	}
	return w.daemon.process.Pid
}
