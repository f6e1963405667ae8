// Package charset is the one door through which text goes to HAProxy, whose files and
// command line are made of words.
//
// In: text that strangers may have written, as labels, or that somebody may have put into
// our files. Out: nil, or an error that says which character is not taken. What is let
// through is one word: it can carry no second directive and no second command.
package charset

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// A Word says which characters a piece of text may hold beside letters and
// digits. None may ever hold a space, a control character, a quote, a
// backslash or a "#": these end a word in HAProxy's files or on its socket.
type Word struct {
	What  string // as errors call it
	Extra string // the characters beside letters and digits of ASCII
	Max   int    // the most bytes that it may have
}

// The words that reach a file or a socket.
var (
	Owner   = Word{"owner", "-_", 32}
	Service = Word{"service name", "-_.", v1.MaxName}
	// A backend is called like its service, with a suffix for one that it has besides.
	Backend = Word{"backend", "-_.:", v1.MaxName + len(":address")}
	Server  = Word{"server name", "-_.:", 80}
	// Listeners' names stand in names of binds, of which a dot ends the first part.
	Listener = Word{"Listener", "-_", v1.MaxName}
	Address  = Word{"address", ".:[]", 64}
	Host     = Word{"host", "-_.*", 255}
	Path     = Word{"path", "-._~/!$&()*+,;=:@%", 1024}
	Method   = Word{"method", "", 40}
	Header   = Word{"header", "-_", 128}
	// These two reach patterns only, where what they hold is quoted.
	Value   = Word{"header value", "-._~/!$&()*+,;=:@%?|{}[]<>^", 1024}
	Pattern = Word{"pattern", "-._~/!$&()*+,;=:@%?|{}[]<>^\\", 8 << 10} // a line must fit into HAProxy's buffer
	SNI     = Word{"name", "-_.*", 253}
	// That of a certificate becomes the name of a file.
	Certificate = Word{"certificate", "-_.", 200}
	File        = Word{"file name", "-_.:@+/", 512}
	// Token is the name of a header or cookie that is hashed.
	Token = Word{"name to balance by", "-_", 64}
	// What a check asks a server for.
	Target    = Word{"path of a check", "-._~/!$&()*+,;=:@%?", 256}
	CheckHost = Word{"host of a check", "-_.", 255}
)

// Check refuses text that is empty, too long, or holds anything else than the word may.
func (w Word) Check(text string) error {
	if text == "" || len(text) > w.Max {
		return fmt.Errorf("%s has %d characters; HAProxy gets 1 to %d", w.What, len(text), w.Max)
	}
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(w.Extra, c) >= 0 {
			continue
		}
		return fmt.Errorf("%s %q holds %q; HAProxy gets letters, digits and %s only", w.What, text, rune(c), w.Extra)
	}
	return nil
}
