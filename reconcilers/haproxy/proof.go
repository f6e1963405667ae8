package haproxy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

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
