package v1

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Balancing says how a service's requests are shared among its instances. The
// zero value is what a service has that asks for nothing.
type Balancing struct {
	// Balance is "" for round-robin, one of the words of balances, or "header:NAME"
	// or "cookie:NAME" for a hash of what the client sends under that name.
	Balance string `json:"balance,omitempty"`
	// Sticky names the cookie by which a client stays with an instance; "" for none.
	Sticky string `json:"sticky,omitempty"`
	// SlowStart is the time within which an instance that comes gets its whole share; 0 for at once.
	SlowStart time.Duration `json:"slowstart,omitempty"`
	// Retries is how often a request is tried again; nil for DefaultRetries.
	Retries *int `json:"retries,omitempty"`
	// QueueTimeout is how long a request waits where all instances have MaxConn; 0 for ConnectTimeout.
	QueueTimeout time.Duration `json:"queue_timeout,omitempty"`
	// TunnelTimeout is how long a connection that was upgraded, a WebSocket's say, may
	// be idle; 0 for DefaultTunnelTimeout.
	TunnelTimeout time.Duration `json:"tunnel_timeout,omitempty"`
}

// DefaultRetries pass over as many instances that died together.
const DefaultRetries = 5

// DefaultTunnelTimeout lets a connection that was upgraded be idle for long, and ends it at last.
const DefaultTunnelTimeout = time.Hour

// Tries returns how often a request is tried again.
func (b Balancing) Tries() int {
	if b.Retries == nil {
		return DefaultRetries
	}
	return *b.Retries
}

// The words of the field balance. The last two are followed by ":" and a name.
const (
	RoundRobin    = "roundrobin"
	LeastConn     = "leastconn"
	BalanceFirst  = "first"
	BalanceRandom = "random"
	BalanceSource = "source"
	BalanceURI    = "uri"
	BalanceHeader = "header"
	BalanceCookie = "cookie"
)

// balances are the words that stand alone, in the order of the reference page.
var balances = []string{RoundRobin, LeastConn, BalanceFirst, BalanceRandom, BalanceSource, BalanceURI}

// Hash takes a balance apart: the word, and the name of the header or cookie.
func (b Balancing) Hash() (word, name string) {
	word, name, _ = strings.Cut(b.Balance, ":")
	return word, name
}

// Hashes reports whether the balance follows from a hash of something that the
// client sends, so that it should change as little as possible.
func (b Balancing) Hashes() bool {
	word, _ := b.Hash()
	return slices.Contains([]string{BalanceSource, BalanceURI, BalanceHeader, BalanceCookie}, word)
}

// checkBalance returns the balance with its word in lower case; "" for the default.
func checkBalance(text string) (string, *fault) {
	word, name, named := strings.Cut(text, ":")
	word = fold(word)
	switch {
	case word == RoundRobin && !named:
		return "", nil
	case word == BalanceHeader || word == BalanceCookie:
		if name == "" {
			return "", &fault{message: fmt.Sprintf("%s lacks the name after the colon", shown(text)), fix: fmt.Sprintf("write balance=%s:NAME", word)}
		}
		if wrong := checkToken(word, name); wrong != nil {
			return "", wrong
		}
		return word + ":" + name, nil
	case !slices.Contains(balances, word):
		words := append(slices.Clone(balances), BalanceHeader+":NAME", BalanceCookie+":NAME")
		wrong := &fault{message: fmt.Sprintf("%s is none of %s", shown(text), strings.Join(words, ", "))}
		if near := balanceAlias(word); near != "" {
			wrong.fix = "did you mean " + near + "?"
		}
		return "", wrong
	case named:
		return "", &fault{message: fmt.Sprintf("%s takes no name after it", word), fix: "write balance=" + word}
	}
	return word, nil
}

// balanceAlias returns the word that was probably meant: those of Kong and of
// other proxies are understood, though not accepted.
func balanceAlias(word string) string {
	for meant, aliases := range map[string][]string{
		RoundRobin: {"round_robin", "rr", "wrr"}, LeastConn: {"least_connections", "least_conn"},
		BalanceSource: {"ip", "ip_hash"}, BalanceURI: {"path"},
		BalanceHeader + ":NAME": {"hdr"}, BalanceCookie + ":NAME": {"cook"},
	} {
		if slices.Contains(aliases, word) {
			return meant
		}
	}
	return closest(word, slices.Clone(balances))
}

// checkCookie returns a cookie's name as it is.
func checkCookie(name string) (string, *fault) { return name, checkToken("cookie", name) }

// maxToken is how long the name of a header or cookie may be.
const maxToken = 64

// checkToken takes the names of headers and cookies that all gateways take.
func checkToken(noun, name string) *fault {
	if wrong := nameChars.refuse(noun+" name", name); wrong != nil {
		return wrong
	}
	if len(name) > maxToken {
		return &fault{message: fmt.Sprintf("the %s's name has %d characters, the most is %d", noun, len(name), maxToken), fix: "shorten it"}
	}
	return nil
}
