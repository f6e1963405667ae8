package haproxy

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
)

// AccessLogStdout is the target that is HAProxy's standard output.
const AccessLogStdout = frontend.Stdout

// checkAccessLog refuses a target that HAProxy would not take, or would look up.
func checkAccessLog(o Options) error {
	target := o.AccessLog
	if target == AccessLogStdout {
		if o.Mode == External {
			return fmt.Errorf("an external HAProxy has a standard output of its own; name a syslog address or socket for its access log, as 127.0.0.1:514 or /dev/log")
		}
		// HAProxy writes where it is, not at the end: a plain file would be overwritten.
		if info, err := os.Stdout.Stat(); err == nil && info.Mode().IsRegular() {
			return fmt.Errorf("the standard output is a plain file, which HAProxy would overwrite with each start; let a pipe append to it (lockstep run … | tee -a FILE), or name a syslog address for the access log")
		}
		return nil
	}
	return CheckAccessLog(target)
}

// CheckAccessLog says what is wrong with Options.AccessLog taken alone.
func CheckAccessLog(target string) error {
	switch {
	case target == "" || target == AccessLogStdout:
		return nil
	case filepath.IsAbs(target):
		return charset.File.Check(target)
	}
	if _, port, err := net.SplitHostPort(target); err != nil || port == "" {
		return fmt.Errorf("access log %q is neither stdout, nor the path of a socket, nor an address with a port", target)
	}
	b, err := bind.Parse(target)
	if err == nil && b.Host == "" {
		err = fmt.Errorf("access log %q names no address", target)
	}
	return err
}
