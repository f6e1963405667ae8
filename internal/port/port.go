// Package port lends ports of 127.0.0.1 to programs that are started with the
// number of a port, as tests and the demo start HAProxy.
//
// To listen on port 0, close and use the number is not enough: until the program
// has bound it, the kernel may give the number to any connection that goes out.
// So what is lent here lies outside the range from which the kernel gives ports
// by itself, and each port has a name among the kernel's abstract sockets, which
// one process at a time can hold: no file is left behind, and a process that is
// killed gives its ports back.
package port

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// Lease is a port that nobody else is lent until it is released.
type Lease struct {
	Address string // 127.0.0.1:PORT
	name    net.Listener
}

// Release gives the port back. Whoever listened on it should have ended before.
func (l *Lease) Release() error { return l.name.Close() }

// The ports that are lent, as far as the kernel does not give them by itself.
const first, last = 10_000, 65_535

// Take lends a port of 127.0.0.1 that nobody listens on. It is an error when
// there is none, or when the kernel does not tell its own range.
func Take() (*Lease, error) {
	ports, err := outside()
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	at := rand.IntN(len(ports))
	for i := range ports {
		lease, err := take(ports[(at+i)%len(ports)])
		if err == nil {
			return lease, nil
		}
	}
	return nil, fmt.Errorf("all of %d ports are taken", len(ports))
}

// take lends one port. The name comes first: who has it may try the port without
// being in the way of another who tries.
func take(port int) (*Lease, error) {
	name, err := net.Listen("unix", "@lockstep-port-"+strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	l := &Lease{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), name: name}
	listener, err := net.Listen("tcp", l.Address)
	if err != nil {
		return nil, errors.Join(err, l.Release())
	}
	if err := listener.Close(); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// outside returns the ports that the kernel does not give by itself; all of them
// on a machine that leaves none.
func outside() ([]int, error) {
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var low, high int
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil {
		return nil, fmt.Errorf("%s says %q: %w", file, text, err)
	}
	return except(low, high), nil
}

func except(low, high int) []int {
	var ports []int
	for port := first; port <= last; port++ {
		if port < low || port > high {
			ports = append(ports, port)
		}
	}
	if len(ports) == 0 {
		return except(last+1, last+1)
	}
	return ports
}
