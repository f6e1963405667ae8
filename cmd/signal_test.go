package cmd

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// stuck is a writer that nobody reads from. It says so.
type stuck struct{}

func (stuck) Write([]byte) (int, error) {
	if _, err := os.Stdout.WriteString("."); err != nil {
		return 0, err
	}
	select {}
}

// TestSecondSignalEnds: what does not heed the first signal is ended by the next.
func TestSecondSignalEnds(t *testing.T) {
	const inner = "LOCKSTEP_TEST_STUCK"
	if os.Getenv(inner) != "" {
		t.Errorf("it ended by itself with %d", Main("test", []string{"version"}, stuck{}, os.Stderr))
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestSecondSignalEnds$") //nolint:gosec // it is this program
	child.Env = append(os.Environ(), inner+"=1")
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := said.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = child.Wait() // how it ended stands in its state
	}()
	again, late := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for signals := 0; ; {
		select {
		case <-ended:
			if status, is := child.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGTERM || signals < 2 {
				t.Errorf("it ended by %s after %d signals", child.ProcessState, signals)
			}
			return
		case <-again.C:
			if child.Process.Signal(syscall.SIGTERM) == nil {
				signals++
			}
		case <-late:
			t.Fatalf("it heeds none of %d signals", signals)
		}
	}
}
