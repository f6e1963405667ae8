package haproxy

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// word says which characters a piece of text may hold beside letters and
// digits. None may ever hold a space, a control character, a quote, a
// backslash or a "#": these end a word in HAProxy's files or on its socket.
type word struct {
	what  string
	extra string
	max   int
}

// The words that reach a file or a socket.
var (
	wordOwner   = word{"owner", "-_", 32}
	wordService = word{"service name", "-_.", v1.MaxName}
	wordBackend = word{"backend", "-_.:", v1.MaxName + len(addressSuffix)}
	wordServer  = word{"server name", "-_.:", 80}
	// Listeners' names stand in names of binds, of which a dot ends the first part.
	wordListener = word{"Listener", "-_", v1.MaxName}
	wordAddress  = word{"address", ".:[]", 64}
	wordHost     = word{"host", "-_.*", 255}
	wordPath     = word{"path", "-._~/!$&()*+,;=:@%", 1024}
	wordMethod   = word{"method", "", 40}
	wordHeader   = word{"header", "-_", 128}
	// These two reach patterns only, where what they hold is quoted.
	wordValue   = word{"header value", "-._~/!$&()*+,;=:@%?|{}[]<>^", 1024}
	wordPattern = word{"pattern", "-._~/!$&()*+,;=:@%?|{}[]<>^\\", maxPattern}
	wordSNI     = word{"name", "-_.*", 253}
	// That of a certificate becomes the name of a file.
	wordCertificate = word{"certificate", "-_.", 200}
	wordFile        = word{"file name", "-_.:@+/", 512}
)

// check is the one door through which text goes to HAProxy. It refuses what
// could end a word, and so carry a second directive or command.
func (w word) check(text string) error {
	if text == "" || len(text) > w.max {
		return fmt.Errorf("%s has %d characters; HAProxy gets 1 to %d", w.what, len(text), w.max)
	}
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(w.extra, c) >= 0 {
			continue
		}
		return fmt.Errorf("%s %q holds %q; HAProxy gets letters, digits and %s only", w.what, text, rune(c), w.extra)
	}
	return nil
}

func ownerName(text string) bool { return wordOwner.check(text) == nil }
func filePath(text string) bool  { return wordFile.check(text) == nil }
