package cmd

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listenAt opens the address that a flag names.
func listenAt(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if op, is := errors.AsType[*net.OpError](err); is { // it repeats the address
		err = op.Err
	}
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s: %w; choose another address, or stop what uses it", flag, address, err)
	}
	return nil, fmt.Errorf("%s %s: %w; choose another address, one of this machine's", flag, address, err)
}
