package bind

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// An Address is an address that HAProxy listens on.
type Address struct {
	Host string // "" for every address
	Port int    // 1 to 65535
}

// Parse reads ":80", "127.0.0.1:80", "*:80" or "[::1]:80".
func Parse(text string) (Address, error) {
	host, port, err := v1.ParseBind(text)
	if err != nil {
		return Address{}, err //nolint:wrapcheck // it says all that there is
	}
	return Address{Host: host, Port: port}, nil
}

// Overlaps reports whether two addresses can't both be had by different processes.
func (a Address) Overlaps(o Address) bool {
	return a.Port == o.Port && v1.SharesAddress(a.Host, o.Host)
}

// Probe says why the address can't be bound, and by whom it is taken where that can be
// seen; nil when it is free. HAProxy itself would pause its old listeners for two seconds
// before it finds out that it is not.
func (a Address) Probe() error {
	network, host := "tcp", a.Host
	if host == "" {
		network, host = "tcp4", "0.0.0.0" // what HAProxy makes of ":80"
	}
	listener, err := net.Listen(network, net.JoinHostPort(host, strconv.Itoa(a.Port)))
	if err == nil {
		return listener.Close()
	}
	address := net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		if _, who := holder(a.Port); who != "" {
			return fmt.Errorf("%s is taken by %s", address, who)
		}
		return fmt.Errorf("%s is taken by another process", address)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s may not be bound: ports below 1024 need CAP_NET_BIND_SERVICE: %w", address, os.ErrPermission)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("no interface of this machine has the address %s: %w", a.Host, syscall.EADDRNOTAVAIL)
	}
	return fmt.Errorf("%s can't be bound: %w", address, err)
}

// String returns the address as HAProxy's files have it.
func (a Address) String() string {
	if a.Host == "" {
		return ":" + strconv.Itoa(a.Port)
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}
