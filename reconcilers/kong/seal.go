package kong

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// seal is the key by which secrets become digests. It belongs to the state
// directory and goes nowhere: without it, a digest in a tag or a plan says
// nothing about a secret, not even to somebody who guesses.
type seal []byte

// digest is bound to one entity, so that equal secrets of two don't look equal.
func (s seal) digest(id, secret string) string {
	sum := hmac.New(sha256.New, s)
	sum.Write([]byte(id + "\x00" + secret))
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// veil is what must not be seen of one entity.
type veil struct {
	seal   seal
	id     string
	hidden []string // paths of fields, beyond those that Kong's schema marks
}

// digest stands for a secret where values are compared and shown.
func (v veil) digest(secret string) string { return "(secret " + v.seal.digest(v.id, secret) + ")" }

// covers reports whether a field is to be hidden, or holds what is.
func (v veil) covers(path string) bool {
	for _, hidden := range v.hidden {
		if hidden == path || strings.HasPrefix(hidden, path+".") || strings.HasPrefix(path, hidden+".") {
			return true
		}
	}
	return false
}
