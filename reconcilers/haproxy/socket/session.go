package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Session is one connection to HAProxy's command line, in its interactive
// form: commands are pipelined, and each answer ends with a prompt. A session
// sticks to the worker that accepted it, also after a reload, so none is kept.
type Session struct {
	conn   net.Conn
	reader *bufio.Reader
	path   string
}

// pipelined is how many commands are sent before answers are read, so that
// neither side can wait for the other with full buffers.
const pipelined = 64

// prompt ends each answer; a line of payload is answered by payloadPrompt.
const (
	prompt        = "\n> "
	payloadPrompt = "+ "
)

// unhurried is a connection whose other side may be silent for a while only. How
// long all of it takes is no matter: 100,000 routes have many answers.
type unhurried struct {
	net.Conn
	timeout time.Duration
	until   time.Time // when it is over in any case; zero for never
}

func (p unhurried) deadline() time.Time {
	at := time.Now().Add(p.timeout)
	if !p.until.IsZero() && p.until.Before(at) {
		return p.until
	}
	return at
}

func (p unhurried) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(p.deadline()); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p unhurried) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(p.deadline()); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

// Dial opens a session that ends with ctx, or when HAProxy is silent for longer than timeout.
func Dial(ctx context.Context, path string, timeout time.Duration) (*Session, error) {
	dialer := net.Dialer{Timeout: timeout}
	raw, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, trouble(path, err)
	}
	conn := unhurried{Conn: raw, timeout: timeout}
	conn.until, _ = ctx.Deadline()
	s := &Session{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), path: path}
	if _, err := s.Ask("prompt"); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the session.
func (s *Session) Close() { s.conn.Close() }

// Ask sends one command and returns its answer without the final line break.
func (s *Session) Ask(command string) (string, error) {
	answers, err := s.Send([]string{command})
	if err != nil {
		return "", err
	}
	return answers[0], nil
}

// Send sends commands and returns their answers, in order. A command may carry
// a payload in the lines after it, ended by an empty line. When it fails, the
// answers are those that arrived before.
func (s *Session) Send(commands []string) ([]string, error) {
	answers := make([]string, 0, len(commands))
	for start := 0; start < len(commands); start += pipelined {
		chunk := commands[start:min(start+pipelined, len(commands))]
		if _, err := io.WriteString(s.conn, strings.Join(chunk, "\n")+"\n"); err != nil {
			return answers, trouble(s.path, err)
		}
		for range chunk {
			answer, err := s.answer()
			if err != nil {
				return answers, trouble(s.path, err)
			}
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// answer reads up to the next prompt.
func (s *Session) answer() (string, error) {
	var b strings.Builder
	for {
		part, err := s.reader.ReadString(' ')
		b.WriteString(part)
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(part, prompt) || strings.HasSuffix(b.String(), prompt) {
			text := strings.TrimSuffix(b.String(), prompt)
			for strings.HasPrefix(text, payloadPrompt) {
				text = text[len(payloadPrompt):]
			}
			return strings.TrimRight(text, "\n"), nil
		}
	}
}

// AskAlone runs one command over a connection of its own, whose end is the answer's:
// for answers with words of strangers, which could hold what ends one in a session.
func AskAlone(ctx context.Context, path, command string, timeout time.Duration) (string, error) {
	dialer := net.Dialer{Timeout: timeout}
	raw, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return "", trouble(path, err)
	}
	defer raw.Close()
	conn := unhurried{Conn: raw, timeout: timeout}
	conn.until, _ = ctx.Deadline()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", trouble(path, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", trouble(path, err)
	}
	return strings.TrimRight(string(answer), "\n"), nil
}

// trouble says what a failure on a socket means and what to do.
func trouble(path string, err error) error {
	var timeout net.Error
	if op, is := errors.AsType[*net.OpError](err); is { // it repeats the path, and names the process
		err = op.Err
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("socket %s does not exist: HAProxy is not running, or its global section lacks %q: %w", path, statsLine(path), err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("socket %s may not be opened: run Lockstep as a member of its group, or set %q in HAProxy's global section: %w", path, statsLine(path), err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens on socket %s: HAProxy is not running, start it: %w", path, err)
	// A process that accepts nothing has room for some who wait, and then for none.
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("HAProxy does not answer on socket %s: it is frozen or overloaded; look at the process, restart it if need be: %w", path, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("HAProxy closed socket %s before it answered: it ended or is reloading: %w", path, err)
	}
	return fmt.Errorf("socket %s: %w", path, err)
}

func statsLine(path string) string {
	return "stats socket " + path + " mode 660 level admin"
}
