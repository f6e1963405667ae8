package docker

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// defaultStopTimeout is what the Engine waits between the stop signal and the
// kill where the container doesn't say.
const defaultStopTimeout = 10 * time.Second

// realtimeMin is the first real-time signal as the C library numbers them.
const realtimeMin = 34

// signals of Linux by number; the Engine's events carry numbers.
var signals = [...]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
	9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
	16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU",
	23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO",
	30: "SIGPWR", 31: "SIGSYS",
}

// signalName brings "15", "TERM" and "SIGTERM" to "SIGTERM", and "37" and
// "RTMIN+3" to "SIGRTMIN+3". It returns "" for what names no signal.
func signalName(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if n, err := strconv.Atoi(s); err == nil {
		switch {
		case n > 0 && n < len(signals):
			return signals[n]
		case n == realtimeMin:
			return "SIGRTMIN"
		case n > realtimeMin && n <= 64:
			return fmt.Sprintf("SIGRTMIN+%d", n-realtimeMin)
		}
		return ""
	}
	s = strings.TrimPrefix(s, "SIG")
	if rest, ok := strings.CutPrefix(s, "RTMIN+"); ok {
		if n, err := strconv.Atoi(rest); err != nil || n < 1 || n > 30 {
			return ""
		}
		return "SIG" + s
	}
	for _, name := range signals {
		if name == "SIG"+s {
			return name
		}
	}
	if s == "RTMIN" {
		return "SIGRTMIN"
	}
	return ""
}

// alwaysStops reports whether a signal means the end of a container whatever
// its own stop signal is.
func alwaysStops(name string) bool {
	switch name {
	case "SIGTERM", "SIGKILL", "SIGINT", "SIGQUIT":
		return true
	}
	return false
}

// stopTimeout turns the seconds of a container's configuration into a
// duration; a negative number waits for ever and gives a negative duration.
func stopTimeout(seconds int) time.Duration {
	const day = 24 * 60 * 60
	if seconds < 0 {
		return -1
	}
	return time.Duration(min(seconds, day)) * time.Second
}
