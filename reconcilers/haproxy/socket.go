package haproxy

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

// A session is one connection to HAProxy's command line, in its interactive
// form: commands are pipelined, and each answer ends with a prompt. A session
// sticks to the worker that accepted it, also after a reload, so none is kept.
type session struct {
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

// dial opens a session that ends with ctx, or when HAProxy is silent for longer than timeout.
func dial(ctx context.Context, path string, timeout time.Duration) (*session, error) {
	dialer := net.Dialer{Timeout: timeout}
	raw, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, socketTrouble(path, err)
	}
	conn := unhurried{Conn: raw, timeout: timeout}
	conn.until, _ = ctx.Deadline()
	s := &session{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), path: path}
	if _, err := s.ask("prompt"); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// close ends the session.
func (s *session) close() { s.conn.Close() }

// ask sends one command and returns its answer without the final line break.
func (s *session) ask(command string) (string, error) {
	answers, err := s.send([]string{command})
	if err != nil {
		return "", err
	}
	return answers[0], nil
}

// send sends commands and returns their answers, in order. A command may carry
// a payload in the lines after it, ended by an empty line. When it fails, the
// answers are those that arrived before.
func (s *session) send(commands []string) ([]string, error) {
	answers := make([]string, 0, len(commands))
	for start := 0; start < len(commands); start += pipelined {
		chunk := commands[start:min(start+pipelined, len(commands))]
		if _, err := io.WriteString(s.conn, strings.Join(chunk, "\n")+"\n"); err != nil {
			return answers, socketTrouble(s.path, err)
		}
		for range chunk {
			answer, err := s.answer()
			if err != nil {
				return answers, socketTrouble(s.path, err)
			}
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// answer reads up to the next prompt.
func (s *session) answer() (string, error) {
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

// askAlone runs one command over a connection of its own, whose end is the answer's:
// for answers with words of strangers, which could hold what ends one in a session.
func askAlone(ctx context.Context, path, command string, timeout time.Duration) (string, error) {
	dialer := net.Dialer{Timeout: timeout}
	raw, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return "", socketTrouble(path, err)
	}
	defer raw.Close()
	conn := unhurried{Conn: raw, timeout: timeout}
	conn.until, _ = ctx.Deadline()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", socketTrouble(path, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", socketTrouble(path, err)
	}
	return strings.TrimRight(string(answer), "\n"), nil
}

// socketTrouble says what a failure on a socket means and what to do.
func socketTrouble(path string, err error) error {
	var timeout net.Error
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

const (
	reloadCommand = "reload"
	// workerPrefix and a pid before a command send it to that worker.
	workerPrefix = "@!"
)

// masterCommand runs one command on the master socket, which does not speak
// the interactive form before HAProxy 2.7 and refuses connections for some
// milliseconds around each reload; these are retried.
func masterCommand(ctx context.Context, path, command string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		answer, err := tryMaster(ctx, path, command)
		// 2.6 answers a reload with nothing, and its own commands with something.
		silent := command == reloadCommand || strings.HasPrefix(command, workerPrefix)
		again := errors.Is(err, syscall.ECONNREFUSED) || err == nil && answer == "" && !silent
		if !again || pause(ctx, 5*time.Millisecond) != nil {
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

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
