package haproxy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// keepCertificate adds a certificate to the process, or brings it to what it
// should be. Handshakes see the old one or the new.
func (rt *runtime) keepCertificate(c *certificate) error {
	r := rt.r
	live, there := r.certs[c.file()]
	have := r.model.certs[c.name]
	if err := rt.openForCertificates(); err != nil {
		return err
	}
	if !there || live.print != c.print || have == nil || have.version != c.version {
		if err := rt.setCertificate(c, there); err != nil {
			return err
		}
		live.print = c.print
	}
	r.certs[c.file()] = live
	if !slices.Contains(live.filters, c.filters()) {
		answers, err := rt.command("add ssl crt-list " + r.dir.File(disk.Certificates) + " <<\n" + c.line(r.dir.Path) + "\n")
		if err != nil {
			return err
		}
		if !strings.Contains(answers[0], "Success") {
			return certificateRefused(c, answers[0])
		}
		live.filters = append(slices.Clone(live.filters), c.filters())
		r.certs[c.file()] = live
	}
	if len(live.filters) == 1 {
		return nil
	}
	if err := rt.unlist(c.file(), c.filters()); err != nil {
		return err
	}
	live.filters = []string{c.filters()}
	r.certs[c.file()] = live
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
		if _, ours := ownCertificateName(rt.r.dir, path); !ours {
			return fmt.Errorf("somebody else is changing the certificate %s in HAProxy, which takes one change at a time; if it was forgotten: abort ssl cert %s", path, path)
		}
		_, err := rt.command("abort ssl cert " + path)
		return err
	}
	return nil
}

// setCertificate gives the process chain and key. Whatever fails in between is
// taken back: HAProxy would add the next certificate to a change that was left open.
func (rt *runtime) setCertificate(c *certificate, there bool) error {
	path := rt.r.dir.File(c.file())
	var commands []string
	if !there {
		commands = append(commands, "new ssl cert "+path)
	}
	answers, err := rt.command(append(commands, "set ssl cert "+path+" <<\n"+c.pem())...)
	if err != nil {
		return err
	}
	if last := answers[len(answers)-1]; strings.HasPrefix(last, "Transaction created") {
		if answers, err = rt.command("commit ssl cert "+path, "show ssl cert "+path); err != nil {
			return err
		}
		if strings.Contains(answers[0], "Success") && socket.ParseFingerprint(answers[1]) == c.print {
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
func certificateRefused(c *certificate, answer string) error {
	answer = strings.TrimSpace(answer)
	if i := strings.LastIndexByte(answer, '\n'); i >= 0 && strings.HasPrefix(answer, "Committing") {
		answer = answer[i+1:]
	}
	return certificateProblem(v1.GatewayRejected, c.name, c.origin, "HAProxy refuses the certificate: "+socket.FirstLine(answer), "replace it by one that HAProxy takes")
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
	lines, _ := parseCertificateList(rt.r.dir, answer)
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
func (rt *runtime) dropCertificate(c *certificate) error {
	r := rt.r
	if _, there := r.certs[c.file()]; !there || c.name == defaultCertificate {
		return nil
	}
	if err := rt.openForCertificates(); err != nil {
		return err
	}
	if err := rt.unlist(c.file(), ""); err != nil {
		return err
	}
	answers, err := rt.command("del ssl cert " + r.dir.File(c.file()))
	if err != nil {
		return err
	}
	if !strings.Contains(answers[0], "deleted") {
		rt.broken = true
		return fmt.Errorf("HAProxy keeps the certificate %s: %s", c.name, socket.FirstLine(answers[0]))
	}
	delete(r.certs, c.file())
	return nil
}

// softenCertificates makes the changes to certificates that need no reload.
func (rt *runtime) softenCertificates(steps []*step, deletes bool) {
	stay := map[string]bool{}
	for _, c := range nextCertificates(rt.r.model.certs, steps) {
		stay[c.file()] = true
	}
	for _, s := range steps {
		c, ok := s.change.Object().Native.(*certificate)
		if !ok || (s.change.Op == plan.Delete) != deletes || rt.r.condition.process != processRuns || rt.r.certs == nil {
			continue
		}
		var err error
		if deletes && stay[c.file()] { // a stray one is what was asked for by now
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

// nextCertificates applies the steps that have not failed.
func nextCertificates(have map[string]*certificate, steps []*step) map[string]*certificate {
	next := map[string]*certificate{}
	maps.Copy(next, have)
	for _, s := range steps {
		c, ok := s.change.Object().Native.(*certificate)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, c.name)
		default:
			next[c.name] = c
		}
	}
	return next
}
