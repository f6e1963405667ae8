package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Seal is the key by which secrets become digests. It belongs to the state
// directory and goes nowhere: without it, a digest in a tag or a plan says
// nothing about a secret, not even to somebody who guesses.
type Seal []byte

// Digest is 16 hexadecimal digits that are the same for the same secret of one entity.
// It is bound to the entity's id, so that equal secrets of two don't look equal.
func (s Seal) Digest(id, secret string) string {
	sum := hmac.New(sha256.New, s)
	sum.Write([]byte(id + "\x00" + secret))
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// Veil is what must not be seen of one entity.
type Veil struct {
	Seal   Seal
	ID     string   // the entity's
	Hidden []string // paths of fields ("config.redis.password"), beyond those that Kong's schema marks
}

// Digest stands for a secret where values are compared and shown: "(secret 0123456789abcdef)".
func (v Veil) Digest(secret string) string { return "(secret " + v.Seal.Digest(v.ID, secret) + ")" }

// Covers reports whether a field is to be hidden, or holds what is.
func (v Veil) Covers(path string) bool {
	for _, hidden := range v.Hidden {
		if hidden == path || strings.HasPrefix(hidden, path+".") || strings.HasPrefix(path, hidden+".") {
			return true
		}
	}
	return false
}
