package setting

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// checkBalance is the door for what a service asks for of balancing.
func checkBalance(b v1.Balancing) error {
	word, name := b.Hash()
	switch word {
	case "", v1.LeastConn, v1.BalanceFirst, v1.BalanceRandom, v1.BalanceSource, v1.BalanceURI:
		if name == "" {
			return nil
		}
	case v1.BalanceHeader, v1.BalanceCookie:
		return charset.Token.Check(name)
	}
	return fmt.Errorf("HAProxy has no algorithm %q", b.Balance)
}

// balance returns the lines that say which server takes a request. A hash is
// always a consistent one: with another one HAProxy takes no servers at runtime,
// and each server that comes or goes would move nearly every client.
func (s Settings) balance() []string {
	const consistent = "hash-type consistent sdbm avalanche"
	word, name := v1.Balancing{Balance: s.Balance}.Hash()
	switch word {
	case v1.BalanceSource:
		return []string{"balance source", consistent}
	case v1.BalanceURI: // without the host that HTTP/2 has in it, as Kong hashes the path alone
		return []string{"balance uri path-only", consistent}
	case v1.BalanceHeader:
		return []string{"balance hdr(" + name + ")", consistent}
	case v1.BalanceCookie:
		return []string{"balance hash req.cook(" + name + ")", consistent}
	}
	return []string{"balance " + cmp.Or(word, v1.RoundRobin)}
}

// Hashes reports whether what a request bears decides which server takes it.
func (s Settings) Hashes() bool { return v1.Balancing{Balance: s.Balance}.Hashes() }

// HashID is a server's place in a consistent hash. HAProxy's own numbers follow
// from the order in which servers came: any reload would give each of them
// another one, and so move clients that have nothing to do with it.
func HashID(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return max(int(h.Sum32()&math.MaxInt32), 1)
}
