package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

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
