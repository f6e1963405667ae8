package program

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/pause"
)

// finishWithin is how long HAProxy may go on with requests that are under way,
// and with connections over which none is, once it is to end.
const finishWithin = 5 * time.Second

// Stop ends HAProxy: it takes no new connection and finishes what is under way;
// what is left after a while is cut.
func (p *Process) Stop(ctx context.Context) error {
	alive, err := p.Find(ctx)
	if err != nil || !alive {
		return err
	}
	pid := p.PID()
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
