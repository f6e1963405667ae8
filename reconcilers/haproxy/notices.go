package haproxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// notice is a problem with what the operator set up that keeps nothing from being
// served: status tells of it for as long as it is so, the log once.
func notice(setting string, origin v1.Origin, reason v1.Reason, message, fix string) v1.Problem {
	return v1.Problem{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindConfig, Name: setting}, Origin: origin,
		Message: message, Fix: fix,
	}
}

// notices returns all of them, as they were when HAProxy was last looked at.
func (r *Reconciler) notices() []v1.Problem {
	return slices.Concat(r.pageNotices, r.logNotices)
}

// tellNotices says in the log what was not said before.
func (r *Reconciler) tellNotices() {
	now := map[string]bool{}
	for _, n := range r.notices() {
		text := n.Error()
		if now[text] = true; !r.noticed[text] {
			r.o.Log.Warn("a setting has not the effect that it should", "setting", n.Object.Name, "problem", text)
		}
	}
	r.noticed = now
}

// lookAtLog finds out whether the access log gets where it should; master is the pid of
// the managed HAProxy that runs, 0 for none. Of an external one the files here say nothing.
func (r *Reconciler) lookAtLog(master int) {
	r.logNotices = nil
	if r.process == nil {
		return
	}
	var message, fix string
	switch target := r.o.AccessLog; {
	case target == AccessLogStdout && master != 0:
		message, fix = otherStdout(master)
	case filepath.IsAbs(target):
		message, fix = noSocket(target)
	}
	if message != "" {
		r.logNotices = []v1.Problem{notice("haproxy-access-log", v1.Origin{}, v1.NotExpressible, message, fix)}
	}
}

// otherStdout says that a HAProxy which we found running writes to another standard
// output than ours; "" when it does not, or when that can't be told.
func otherStdout(master int) (message, fix string) {
	at := fmt.Sprintf("/proc/%d/fd/1", master)
	theirs, err := os.Stat(at)
	if err != nil {
		return "", "" // it is gone, or another user's
	}
	ours, err := os.Stat("/proc/self/fd/1")
	if err != nil || os.SameFile(ours, theirs) {
		return "", ""
	}
	if ours.Mode().Type() == os.ModeSocket && theirs.Mode().Type() == os.ModeSocket {
		return "", "" // each start gets a socket of its own to the same journal
	}
	place, err := os.Readlink(at)
	if err != nil {
		place = "unknown"
	}
	return fmt.Sprintf("HAProxy (pid %d) was started before with another standard output, and its access log goes there (%s)", master, place),
		fmt.Sprintf("start HAProxy anew when its connections may be cut: kill %d, and Lockstep starts it again at once", master)
}

// noSocket says that no syslog server listens at a path; "" when one may.
func noSocket(path string) (message, fix string) {
	const remedy = "start the syslog server that listens there, or name another one with --haproxy-access-log"
	switch info, err := os.Stat(path); {
	case err != nil:
		return fmt.Sprintf("HAProxy drops its access log, for nobody takes it: %v", err), remedy
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Sprintf("HAProxy drops its access log, for %s is no socket", path), remedy
	}
	return "", ""
}
