package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// claimName is an abstract socket: no file, and gone with the process that has
// it, however that ends.
const claimName = "@lockstep-demo"

// claim takes a name for this process until it is closed, or says which process
// has it.
func claim(ctx context.Context, name string) (io.Closer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", name)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another demo is up (process %s); end it with Ctrl-C where it runs, or with kill, and start again", holder(ctx, name))
	}
	if err != nil {
		return nil, fmt.Errorf("make sure that no other demo is up: %w", err)
	}
	go introduce(listener)
	return listener, nil
}

// introduce tells whoever asks which process this is, until the listener is closed.
func introduce(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		// Who went away before the answer has lost nothing but the answer.
		io.WriteString(connection, strconv.Itoa(os.Getpid())) //nolint:errcheck // as said
		connection.Close()
	}
}

// holder returns the id of the process that has a name.
func holder(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "unix", name)
	if err != nil {
		return "unknown"
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "unknown"
	}
	id, err := io.ReadAll(io.LimitReader(connection, 32))
	if err != nil || len(id) == 0 {
		return "unknown"
	}
	return string(id)
}
