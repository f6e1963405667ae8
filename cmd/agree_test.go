package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// interrupted ends a context as soon as it is written a question.
type interrupted struct {
	said bytes.Buffer
	stop context.CancelFunc
}

func (i *interrupted) Write(text []byte) (int, error) {
	if strings.Contains(string(text), "[y/N]") {
		i.stop()
	}
	return i.said.Write(text)
}

// TestCtrlCAtAQuestion is no, at once, though the terminal is still read.
func TestCtrlCAtAQuestion(t *testing.T) {
	people, terminal := openTerminal(t)
	ctx, stop := context.WithCancel(t.Context())
	said := &interrupted{stop: stop}
	c := &cobra.Command{}
	c.SetContext(ctx)
	c.SetIn(terminal)
	c.SetErr(said)
	err := agreed(c, true, func(p *printer) { p.line("web goes") })
	if !errors.Is(err, errNotMeant) || err.Error() != "nothing is changed" {
		t.Errorf("got %v", err)
	}
	if want := "This is what would be done:\nweb goes\nIs this meant? [y/N] \n"; said.said.String() != want {
		t.Errorf("said %q, want %q", said.said.String(), want)
	}
	if _, err := people.WriteString("\n"); err != nil { // ends the read that was left behind
		t.Fatal(err)
	}
}

// TestCtrlCWhileStandardInputIsRead ends the command at once, though nobody writes there.
func TestCtrlCWhileStandardInputIsRead(t *testing.T) {
	from, to := io.Pipe()
	t.Cleanup(func() { _ = to.Close() })
	ctx, stop := context.WithCancel(t.Context())
	root := New("test")
	root.SetArgs([]string{"validate", "-"})
	root.SetIn(begun{from, stop})
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "standard input: ") {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on reading")
	}
}

// begun is a reader that ends a context as soon as it is read.
type begun struct {
	from io.Reader
	stop context.CancelFunc
}

func (b begun) Read(into []byte) (int, error) {
	b.stop()
	return b.from.Read(into)
}

// openTerminal returns the two ends of a terminal: that of people, and that of the program.
func openTerminal(t *testing.T) (people, program *os.File) {
	t.Helper()
	people, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there is no terminal to be had:", err)
	}
	t.Cleanup(func() { _ = people.Close() })
	number, err := unix.IoctlGetUint32(int(people.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(people.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return people, program
}

func TestAnswersAreRead(t *testing.T) {
	for text, want := range map[string]string{"yes\nno\n": "yes\n", "y": "y", "": ""} {
		if got, err := readLine(t.Context(), strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}
