package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// tap stands in front of one of HAProxy's sockets and passes everything on,
// while it writes down what HAProxy is told.
type tap struct {
	listener net.Listener
	behind   string // where HAProxy's own socket was moved to
	ended    sync.WaitGroup

	mu   sync.Mutex
	said bytes.Buffer
}

// Tap begins to listen in on the sockets of the running HAProxy. The daemon
// must be down meanwhile; it finds the sockets at their usual places again.
func (w *World) Tap() error {
	for _, name := range []string{"stats.sock", "master.sock"} {
		t, err := newTap(filepath.Join(w.StateDir(), "haproxy", name))
		if err != nil {
			return fmt.Errorf("listen in on %s: %w", name, err)
		}
		w.taps = append(w.taps, t)
	}
	return nil
}

// Told returns the commands that HAProxy was told since Tap and that may
// change something: all but those that read or speak of the connection itself.
func (w *World) Told() []string {
	var changing []string
	for _, t := range w.taps {
		t.mu.Lock()
		text := t.said.String()
		t.mu.Unlock()
		for command := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' }) {
			if command = strings.TrimSpace(command); !reads(command) {
				changing = append(changing, command)
			}
		}
	}
	return changing
}

func reads(command string) bool {
	words := strings.Fields(command)
	if len(words) > 0 && strings.HasPrefix(words[0], "@") { // to which process
		words = words[1:]
	}
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "show", "get", "prompt", "quit", "help":
		return true
	}
	return len(words) > 1 && words[0] == "set" && (words[1] == "severity-output" || words[1] == "timeout")
}

func newTap(path string) (*tap, error) {
	t := &tap{behind: path + ".tapped"}
	if err := os.Rename(path, t.behind); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(err, os.Rename(t.behind, path))
	}
	t.listener = listener
	t.ended.Go(t.serve)
	return t, nil
}

func (t *tap) serve() {
	for {
		conn, err := t.listener.Accept()
		if err != nil {
			return // closed
		}
		t.ended.Go(func() { t.relay(conn) })
	}
}

// relay passes bytes on in both directions until HAProxy's side ends.
func (t *tap) relay(conn net.Conn) {
	defer conn.Close()
	behind, err := net.Dial("unix", t.behind)
	if err != nil {
		return // as HAProxy's own socket would, the daemon finds it closed
	}
	defer behind.Close()
	go func() {
		//nolint:errcheck // the side that ends first ends the other
		io.Copy(io.MultiWriter(behind, t), conn)
		if half, ok := behind.(*net.UnixConn); ok {
			_ = half.CloseWrite()
		}
	}()
	//nolint:errcheck // as above
	io.Copy(conn, behind)
}

// Write notes what was said.
func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.Write(p)
}

// Close stops listening in, once HAProxy has ended.
func (t *tap) Close() error {
	err := t.listener.Close()
	t.ended.Wait()
	return err
}
