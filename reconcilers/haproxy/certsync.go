package haproxy

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// keepCertificate adds a certificate to the process, or brings it to what it
// should be. Handshakes see the old one or the new.
func (rt *runtime) keepCertificate(c *crt.Certificate) error {
	r := rt.r
	live, there := r.certs[c.File()]
	have := r.model.Certs[c.Name]
	if err := rt.openForCertificates(); err != nil {
		return err
	}
	if !there || live.Print != c.Print || have == nil || have.Version != c.Version {
		if err := rt.setCertificate(c, there); err != nil {
			return err
		}
		live.Print = c.Print
	}
	r.certs[c.File()] = live
	if !slices.Contains(live.Filters, c.Filters()) {
		answers, err := rt.command("add ssl crt-list " + r.dir.File(disk.Certificates) + " <<\n" + c.Line(r.dir.Path) + "\n")
		if err != nil {
			return err
		}
		if !strings.Contains(answers[0], "Success") {
			return certificateRefused(c, answers[0])
		}
		live.Filters = append(slices.Clone(live.Filters), c.Filters())
		r.certs[c.File()] = live
	}
	if len(live.Filters) == 1 {
		return nil
	}
	if err := rt.unlist(c.File(), c.Filters()); err != nil {
		return err
	}
	live.Filters = []string{c.Filters()}
	r.certs[c.File()] = live
	return nil
}

// openForCertificates makes sure that nobody else is about to change a
// certificate: HAProxy has room for one such change, and would mix ours into it.
func (rt *runtime) openForCertificates() error {
	if err := rt.open(); err != nil {
		return err
	}
	answer, err := rt.session.Ask("show ssl cert")
	if err != nil {
		rt.broken = true
		return err
	}
	for line := range strings.Lines(answer) {
		path, begun := strings.CutPrefix(strings.TrimSpace(line), "*")
		if !begun {
			continue
		}
		if _, ours := crt.FileName(rt.r.dir, path); !ours {
			return fmt.Errorf("somebody else is changing the certificate %s in HAProxy, which takes one change at a time; if it was forgotten: abort ssl cert %s", path, path)
		}
		_, err := rt.command("abort ssl cert " + path)
		return err
	}
	return nil
}

// setCertificate gives the process chain and key. Whatever fails in between is
// taken back: HAProxy would add the next certificate to a change that was left open.
func (rt *runtime) setCertificate(c *crt.Certificate, there bool) error {
	path := rt.r.dir.File(c.File())
	var commands []string
	if !there {
		commands = append(commands, "new ssl cert "+path)
	}
	answers, err := rt.command(append(commands, "set ssl cert "+path+" <<\n"+c.PEM())...)
	if err != nil {
		return err
	}
	if last := answers[len(answers)-1]; strings.HasPrefix(last, "Transaction created") {
		if answers, err = rt.command("commit ssl cert "+path, "show ssl cert "+path); err != nil {
			return err
		}
		if strings.Contains(answers[0], "Success") && socket.ParseFingerprint(answers[1]) == c.Print {
			return nil
		}
	}
	refusal := answers[0]
	if len(answers) > 1 && !strings.HasPrefix(refusal, "Committing") {
		refusal = answers[1]
	}
	undo := []string{"abort ssl cert " + path}
	if !there {
		undo = append(undo, "del ssl cert "+path)
	}
	if _, err := rt.command(undo...); err != nil {
		return err
	}
	return certificateRefused(c, refusal)
}

// certificateRefused words HAProxy's answer, of which it repeats one line: an
// answer never holds what was sent.
func certificateRefused(c *crt.Certificate, answer string) error {
	answer = strings.TrimSpace(answer)
	if i := strings.LastIndexByte(answer, '\n'); i >= 0 && strings.HasPrefix(answer, "Committing") {
		answer = answer[i+1:]
	}
	return certificateProblem(v1.GatewayRejected, c.Name, c.Origin, "HAProxy refuses the certificate: "+socket.FirstLine(answer), "replace it by one that HAProxy takes")
}

// unlist takes a certificate off the list, but for its line with the filters to keep.
func (rt *runtime) unlist(name, keep string) error {
	list := rt.r.dir.File(disk.Certificates)
	if err := rt.open(); err != nil {
		return err
	}
	answer, err := rt.session.Ask("show ssl crt-list -n " + list)
	if err != nil {
		rt.broken = true
		return err
	}
	lines, _ := crt.ParseList(rt.r.dir, answer)
	var commands []string
	kept := keep == ""
	for _, line := range lines[name] {
		if line.Filters == keep && !kept {
			kept = true
			continue
		}
		commands = append(commands, "del ssl crt-list "+list+" "+rt.r.dir.File(name)+":"+line.Number)
	}
	if len(commands) == 0 {
		return nil
	}
	answers, err := rt.command(commands...)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if !strings.Contains(answer, "deleted in crtlist") {
			rt.broken = true
			return fmt.Errorf("HAProxy keeps %s in its list of certificates: %s", name, socket.FirstLine(answer))
		}
	}
	return nil
}

// dropCertificate takes a certificate out of the process. The default one stays
// there until its listeners have gone with a reload.
func (rt *runtime) dropCertificate(c *crt.Certificate) error {
	r := rt.r
	if _, there := r.certs[c.File()]; !there || c.Name == crt.Default {
		return nil
	}
	if err := rt.openForCertificates(); err != nil {
		return err
	}
	if err := rt.unlist(c.File(), ""); err != nil {
		return err
	}
	answers, err := rt.command("del ssl cert " + r.dir.File(c.File()))
	if err != nil {
		return err
	}
	if !strings.Contains(answers[0], "deleted") {
		rt.broken = true
		return fmt.Errorf("HAProxy keeps the certificate %s: %s", c.Name, socket.FirstLine(answers[0]))
	}
	delete(r.certs, c.File())
	return nil
}

// softenCertificates makes the changes to certificates that need no reload.
func (rt *runtime) softenCertificates(steps []*step, deletes bool) {
	stay := map[string]bool{}
	for _, c := range nextCertificates(rt.r.model.Certs, steps) {
		stay[c.File()] = true
	}
	for _, s := range steps {
		c, ok := s.change.Object().Native.(*crt.Certificate)
		if !ok || (s.change.Op == plan.Delete) != deletes || rt.r.condition.process != processRuns || rt.r.certs == nil {
			continue
		}
		var err error
		if deletes && stay[c.File()] { // a stray one is what was asked for by now
			continue
		}
		if deletes {
			err = rt.dropCertificate(c)
		} else {
			err = rt.keepCertificate(c)
		}
		if err != nil {
			failAll([]*step{s}, err)
		}
	}
}
