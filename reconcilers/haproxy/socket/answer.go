package socket

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// FirstLine returns what an answer says first, as what HAProxy refuses something with.
func FirstLine(answer string) string {
	line, _, _ := strings.Cut(answer, "\n")
	return line
}

// Info is what a worker says of itself.
type Info struct {
	PID     int
	Version string // "2.6.12-1+deb12u4"
}

// ParseInfo reads an answer to "show info". It returns false for one that names no pid.
func ParseInfo(answer string) (info Info, ok bool) {
	var err error
	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Pid":
			info.PID, err = strconv.Atoi(value)
		case "Version":
			info.Version = value
		}
	}
	return info, err == nil && info.PID != 0
}

// ParseVar reads an answer to "get var"; "" when the variable is not set.
func ParseVar(answer string) string {
	_, value, _ := strings.Cut(answer, "value=<")
	return strings.TrimSuffix(value, ">")
}

// Server is a server as the process has it.
type Server struct {
	Name    string
	Address string // "10.0.0.1:80"
	Weight  int
	// Maint says that it is out of service, Drain that it gets nothing new; by whoever.
	Maint, Drain bool
}

// Bits of srv_admin_state. 0x04 says only that a server began in maintenance,
// and stays when it has left it.
const (
	adminMaint = 0x01 | 0x02 | 0x20 | 0x40
	adminDrain = 0x08 | 0x10
)

// ParseServer reads a line of the answer to "show servers state" when it is about a
// backend whose name begins with prefix. The backend comes without that.
func ParseServer(line, prefix string) (backend string, s Server, ok bool) {
	words := strings.Fields(line)
	if len(words) < 19 || !strings.HasPrefix(words[1], prefix) {
		return "", s, false
	}
	s.Name, s.Address = words[3], net.JoinHostPort(words[4], words[18])
	admin, wrong := strconv.Atoi(words[6])
	s.Maint, s.Drain = admin&adminMaint != 0, admin&adminDrain != 0
	weight, err := strconv.Atoi(words[7])
	s.Weight = weight
	return words[1][len(prefix):], s, errors.Join(wrong, err) == nil
}

// ParseMap reads an answer to "show map FILE", which has the file's lines with a
// reference before each. It returns nil and false when the process has no such map.
func ParseMap(answer string) (entries map[string]string, ok bool) {
	if unknownMap(answer) {
		return nil, false
	}
	entries = map[string]string{}
	for line := range strings.Lines(answer) {
		if words := strings.Fields(line); len(words) >= 2 {
			entries[words[1]] = strings.Join(words[2:], " ")
		}
	}
	return entries, true
}

// ParseOrderedMap reads the same where the order counts, as lines of key and value; nil
// when the process has no such map.
func ParseOrderedMap(answer string) []string {
	if unknownMap(answer) {
		return nil
	}
	lines := []string{}
	for line := range strings.Lines(answer) {
		if words := strings.Fields(line); len(words) >= 2 {
			lines = append(lines, strings.Join(words[1:], " "))
		}
	}
	return lines
}

func unknownMap(answer string) bool { return strings.HasPrefix(answer, "Unknown map") }
