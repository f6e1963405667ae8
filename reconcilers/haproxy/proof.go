package haproxy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// A worker that was replaced passes on what still comes over kept connections. That
// their clients have proved themselves it alone knows, and it must not be believed by
// whoever else reaches the gate. So it shows a secret: one that is in the memory of
// both workers and nowhere else, put there through their sockets.

// proofHeader bears "SECRET|what clients were verified by|name of the connection" between
// two workers. A word counts only from one that verified by the same authority and the
// same list of revoked certificates.
const proofHeader = "X-Lockstep-Proof"

// vouched says that a worker that was replaced vouches for the client's certificate.
const vouched = "{ var(txn.vouched) -m bool }"

// renderVouching takes a worker's word, and that of nobody else.
func renderVouching(line func(string, ...any), o Options) {
	routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}.Secret(byGate)
	line("http-request set-var(txn.shown) req.hdr(%s),field(1,|) if %s", proofHeader, byGate)
	line("http-request set-var(txn.named) req.hdr(%s),field(3,|) if %s", proofHeader, byGate)
	line("http-request set-var(txn.vouched) bool(true) if %s { var(txn.secret) -m len ge 32 } { var(txn.shown),strcmp(txn.secret) eq 0 } { req.hdr(%s),field(2,|) -m str %s }",
		byGate, proofHeader, digest.Of(o.asking()))
	line("http-request del-header %s", proofHeader)
	// A name that is none would carry a header of its own along.
	line("http-request set-header %s %%[var(txn.old)]|%s|%%[ssl_fc_sni,lower] if %s %s { ssl_fc_sni -m reg ^[A-Za-z0-9._-]+$ }", proofHeader, digest.Of(o.asking()), routemap.IfReplaced, proved)
}

// vouch lets workers that were replaced vouch to the one that takes requests, and returns
// the secret by which they do; "" for none.
func (r *Reconciler) vouch(ctx context.Context) (string, error) {
	if r.o.ClientCA == "" {
		return "", nil
	}
	s, err := socket.Dial(ctx, r.o.StatsSocket, r.o.Timeout)
	if err != nil {
		return "", err
	}
	defer s.Close()
	answer, err := s.Ask("get map " + r.dir.File(disk.Routes) + " " + routemap.Proof)
	if err != nil {
		return "", err
	}
	if _, rest, found := strings.Cut(answer, `value="`); found { // of a daemon before us, perhaps
		secret, _, _ := strings.Cut(rest, `"`)
		if err := charset.Token.Check(secret); err != nil {
			return "", err
		}
		r.proof = secret // the next worker is to take the same, for those that know no other
		return secret, nil
	}
	if !r.keeper() { // whoever only looks tells nobody anything
		return "", nil
	}
	if r.proof == "" {
		var random [24]byte
		if _, err := rand.Read(random[:]); err != nil {
			return "", fmt.Errorf("make a secret: %w", err)
		}
		r.proof = hex.EncodeToString(random[:])
	}
	r.metrics.commands.WithLabelValues("add map").Inc()
	answer, err = s.Ask("add map " + r.dir.File(disk.Routes) + " " + routemap.Proof + " " + r.proof)
	if err == nil && strings.TrimSpace(answer) != "" {
		err = fmt.Errorf("HAProxy answers %q", socket.FirstLine(answer))
	}
	return r.proof, err
}
