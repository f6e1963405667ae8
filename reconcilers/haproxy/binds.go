package haproxy

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// bind is an address that HAProxy listens on.
type bind struct {
	host string // "" for every address
	port int
}

// parseBind reads ":80", "127.0.0.1:80", "*:80" or "[::1]:80".
func parseBind(text string) (bind, error) {
	host, port, err := v1.ParseBind(text)
	if err != nil {
		return bind{}, err //nolint:wrapcheck // it says all that there is
	}
	return bind{host: host, port: port}, nil
}

// CheckBinds says what is wrong with Options.Binds, or TLSBinds, taken alone.
func CheckBinds(texts []string) error {
	for _, text := range texts {
		if _, err := parseBind(text); err != nil {
			return err
		}
	}
	o := Options{Binds: texts}
	return o.portDefaults()
}

// overlaps reports whether two binds can't both be had by different processes.
func (b bind) overlaps(o bind) bool {
	return b.port == o.port && v1.SharesAddress(b.host, o.host)
}

// probe tells whether a port is free. HAProxy itself would pause its old
// listeners for two seconds before it finds out that one is not.
func (b bind) probe() error {
	network, host := "tcp", b.host
	if host == "" {
		network, host = "tcp4", "0.0.0.0" // what HAProxy makes of ":80"
	}
	listener, err := net.Listen(network, net.JoinHostPort(host, strconv.Itoa(b.port)))
	if err == nil {
		return listener.Close()
	}
	address := net.JoinHostPort(b.host, strconv.Itoa(b.port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		if _, who := holder(b.port); who != "" {
			return fmt.Errorf("%s is taken by %s", address, who)
		}
		return fmt.Errorf("%s is taken by another process", address)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s may not be bound: ports below 1024 need CAP_NET_BIND_SERVICE: %w", address, os.ErrPermission)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("no interface of this machine has the address %s: %w", b.host, syscall.EADDRNOTAVAIL)
	}
	return fmt.Errorf("%s can't be bound: %w", address, err)
}

// bindRemedy says what to do about what probe found.
func (o Options) bindRemedy(b bind, err error) string {
	if int(o.Via.First) <= b.port && b.port <= int(o.Via.Last) {
		return "free the port, or choose other ones with --haproxy-via-ports"
	}
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "give --haproxy-bind an address that `ip addr` lists, or the port alone for all of them"
	case errors.Is(err, os.ErrPermission):
		return "run Lockstep with that capability, or choose a port above 1023 with --haproxy-bind"
	}
	return "free the port, or choose another one with --haproxy-bind"
}

// holder returns the process that listens on a port, and its name with the pid,
// when that can be seen.
func holder(port int) (pid int, who string) {
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inodes = append(inodes, listening(table, port)...)
	}
	if len(inodes) == 0 {
		return 0, ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, "socket:[") || !slices.Contains(inodes, target[8:len(target)-1]) {
			continue
		}
		number := strings.Split(link, "/")[2]
		if pid, err = strconv.Atoi(number); err != nil {
			continue
		}
		name, err := os.ReadFile("/proc/" + number + "/comm")
		if err != nil {
			return pid, "process " + number
		}
		return pid, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), number)
	}
	return 0, ""
}

// portsOf returns the ports on which the processes listen that ours names.
func portsOf(ours func(pid int) bool) map[int]bool {
	byInode := map[string]int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		eachListener(table, func(inode string, port int) { byInode[inode] = port })
	}
	ports := map[int]bool{}
	directories, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, directory := range directories {
		pid, err := strconv.Atoi(filepath.Base(directory))
		if err != nil || !ours(pid) {
			continue
		}
		links, err := filepath.Glob(directory + "/fd/*")
		if err != nil {
			continue
		}
		for _, link := range links {
			target, err := os.Readlink(link)
			if err != nil || !strings.HasPrefix(target, "socket:[") {
				continue
			}
			if port, listens := byInode[target[8:len(target)-1]]; listens {
				ports[port] = true
			}
		}
	}
	return ports
}

// listening returns the inodes of the sockets that listen on a port.
func listening(table string, port int) []string {
	var inodes []string
	eachListener(table, func(inode string, at int) {
		if at == port {
			inodes = append(inodes, inode)
		}
	})
	return inodes
}

// eachListener calls f for every socket of the table that listens. A table that
// can't be read has none.
func eachListener(table string, f func(inode string, port int)) {
	file, err := os.Open(table)
	if err != nil {
		return
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		words := strings.Fields(scanner.Text())
		if len(words) <= 9 || words[3] != "0A" {
			continue
		}
		_, hex, _ := strings.Cut(words[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
			f(words[9], int(port))
		}
	}
}
