package v1

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// The characters that the fields allow. None allows a control character, a
// space, a quote, "#" or anything beyond ASCII: what leaves this package can't
// carry a second directive into a gateway's file, socket or API.
var (
	keyChars     = Charset{"lower-case letters, digits, `-`, `_`, and `.` between parts", func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' || c == '_' || c == '.' }}
	networkChars = Charset{"letters, digits, `-`, `_` and `.`", func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '.' }}
	wordChars    = Charset{"lower-case letters", isLower}
	wayChars     = Charset{"lower-case letters and `>`", func(c byte) bool { return isLower(c) || c == '>' }}
	hostChars    = Charset{"letters, digits, `-`, `_`, `.` and one `*`", func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '.' || c == '*' }}
	methodChars  = Charset{"letters", isUpper}
	headerChars  = Charset{"visible ASCII without quotes, `\\` and `#`", func(c byte) bool { return isPlain(c) && c != '\\' }}
	balanceChars = Charset{"letters, digits, `-`, `_` and `:`", func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == ':' }}
	targetChars  = Charset{"what may stand in a URL's path and query: letters, digits and `-._~/!$&()*+,;=:@%?`", func(c byte) bool { return isAlnum(c) || strings.IndexByte("-._~/!$&()*+,;=:@%?", c) >= 0 }}
	payloadChars = Charset{"visible ASCII without quotes and `#`; `\\` begins an escape", isPlain}
	statusChars  = Charset{"digits and `-`", func(c byte) bool { return isDigit(c) || c == '-' }}
	optionChars  = Charset{"lower-case letters, digits and `_`", func(c byte) bool { return isLower(c) || isDigit(c) || c == '_' }}
	digitChars   = Charset{"digits", isDigit}
	nameChars    = Charset{"letters, digits, `-` and `_`", func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' }}
)

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isLower(c) || isUpper(c) || isDigit(c) }

// isPlain reports whether c is visible ASCII that neither quotes nor begins a comment.
func isPlain(c byte) bool {
	return ' ' < c && c < 0x7f && c != '"' && c != '\'' && c != '`' && c != '#'
}

// The longest names.
const (
	maxHost    = 253 // of a DNS name
	maxLabel   = 63  // of one part of it
	maxMethod  = 32
	maxHeader  = 128 // of a header's name
	maxNetwork = 128
	maxVersion = 63
	maxPick    = 64 // of a header or cookie that picks a version: it becomes part of a route's name
)

// checkHost takes a DNS name with at most one wildcard label, at the left or
// at the right, and returns it in lower case, for Kong compares bytes.
func checkHost(host string) (string, *fault) {
	if i := strings.IndexFunc(host, func(r rune) bool { return r > 0x7f }); i >= 0 {
		return "", &fault{
			message: fmt.Sprintf("host %s has letters beyond ASCII", shown(host)),
			fix:     "write the name in punycode, as it goes over the wire (xn--…)",
		}
	}
	if strings.Contains(host, "/") {
		return "", &fault{
			message: fmt.Sprintf("host %s holds a %q", shown(host), "/"),
			fix:     "write the name alone, without scheme; a path goes into the field paths",
		}
	}
	if strings.Contains(host, ":") {
		return "", &fault{
			message: fmt.Sprintf("host %s holds a port", shown(host)),
			fix:     "write the name alone: the route takes it on every port of the gateway",
		}
	}
	if wrong := hostChars.refuse("host", host); wrong != nil {
		return "", wrong
	}
	if len(host) > maxHost {
		return "", &fault{message: fmt.Sprintf("host %s is longer than %d characters", shown(host), maxHost), fix: "shorten it"}
	}
	if host == "*" {
		return "", &fault{
			message: `"*" alone is no host`,
			fix:     "leave the field out to take every host, with paths=/ when no other field is set",
		}
	}
	if wrong := checkLabels(host); wrong != nil {
		return "", wrong
	}
	return strings.ToLower(host), nil
}

// checkLabels looks at a host's parts, and at all of them together.
func checkLabels(host string) *fault {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		switch {
		case label == "":
			return &fault{message: fmt.Sprintf("host %s has an empty part", shown(host)), fix: "remove the superfluous dot"}
		case label == "*" && (i == 0 || i == len(labels)-1) && strings.Count(host, "*") == 1:
		case strings.Contains(label, "*"):
			return &fault{
				message: fmt.Sprintf("host %s has a wildcard that gateways don't know", shown(host)),
				fix:     "let one * stand for the whole leftmost or rightmost part: *.example.com or example.*",
			}
		case len(label) > maxLabel:
			return &fault{message: fmt.Sprintf("host %s has a part longer than %d characters", shown(host), maxLabel), fix: "shorten it"}
		case label[0] == '-' || label[len(label)-1] == '-':
			return &fault{message: fmt.Sprintf("host %s has a part that begins or ends with a hyphen", shown(host)), fix: "remove the hyphen"}
		}
	}
	if !strings.ContainsFunc(host, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		if address, err := netip.ParseAddr(host); err != nil || !address.Is4() {
			return &fault{message: fmt.Sprintf("host %s is neither a name nor an address", shown(host)), fix: "write a DNS name or an IPv4 address"}
		}
	}
	return nil
}

// checkMethod returns the method in upper case.
func checkMethod(method string) (string, *fault) {
	upper := strings.ToUpper(method)
	if wrong := methodChars.refuse("method", upper); wrong != nil {
		return "", wrong
	}
	if len(upper) > maxMethod {
		return "", &fault{message: fmt.Sprintf("method %s is longer than %d letters", shown(method), maxMethod), fix: "shorten it"}
	}
	return upper, nil
}

// checkHeaderName takes the names that Kong takes.
func checkHeaderName(name string) *fault {
	if wrong := nameChars.refuse("header name", name); wrong != nil {
		return wrong
	}
	switch {
	case name == "" || len(name) > maxHeader:
		return &fault{message: fmt.Sprintf("a header's name has 1 to %d characters, this one has %d", maxHeader, len(name)), fix: "name the header after the dot"}
	case fold(name) == "host":
		return &fault{message: "the header Host can't be matched as a header", fix: "use the field hosts"}
	}
	return nil
}

// checkHeaderValue takes what both sides compare as it is. Kong takes a value
// that begins with "~*" for a regular expression, but only when it is the
// header's only one, so the same label would mean two things.
func checkHeaderValue(value string) (string, *fault) {
	if strings.HasPrefix(value, "~*") {
		return "", &fault{
			message: fmt.Sprintf("header value %s is a regular expression, which this version does not support", shown(value)),
			fix:     "list the values that the header may have",
		}
	}
	return value, headerChars.refuse("header value", value)
}

// checkVersion takes what can stand in the names of a gateway's objects.
func checkVersion(version string) (string, *fault) {
	if isKey(version) && len(version) <= maxVersion {
		return version, nil
	}
	wrong := &fault{
		message: fmt.Sprintf("%s can't be a version", shown(version)),
		fix:     fmt.Sprintf("use parts of lower-case letters, digits, - and _ that begin with a letter or digit, joined by dots, at most %d characters in all", maxVersion),
	}
	if lower := strings.ToLower(version); isKey(lower) && len(lower) <= maxVersion {
		wrong.fix = fmt.Sprintf("write it in lower case, at the containers and in the rollout: %s", lower)
	}
	return "", wrong
}

// checkVersionName is checkVersion for the name of an entry.
func checkVersionName(version string) *fault {
	_, wrong := checkVersion(version)
	return wrong
}

// checkPickHeader takes the name of a header that picks a version.
func checkPickHeader(name string) (string, *fault) {
	if wrong := checkHeaderName(name); wrong != nil {
		return "", wrong
	}
	switch {
	case fold(name) == "cookie":
		return "", &fault{message: "the header Cookie holds many cookies", fix: "name the cookie with the label rollout_cookie"}
	case len(name) > maxPick:
		return "", &fault{message: fmt.Sprintf("header %s is longer than %d characters", shown(name), maxPick), fix: "choose a shorter name"}
	}
	return name, nil
}

// checkPickCookie takes the name of a cookie that picks a version.
func checkPickCookie(name string) (string, *fault) {
	if wrong := nameChars.refuse("cookie", name); wrong != nil {
		return "", wrong
	}
	if len(name) > maxPick {
		return "", &fault{message: fmt.Sprintf("cookie %s is longer than %d characters", shown(name), maxPick), fix: "choose a shorter name"}
	}
	return name, nil
}

// checkOption returns one of a field's words as the table has it; which there are
// the row knows.
func checkOption(word string) (string, *fault) { return fold(word), nil }

// checkListen takes a port that a gateway may listen on.
func checkListen(port string) (string, *fault) {
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > math.MaxUint16 || port[0] == '+' {
		return "", &fault{
			message: fmt.Sprintf("%s is no port, which is a number from 1 to %d", shown(port), math.MaxUint16),
			fix:     "write the port that clients connect to, for example listen=5672",
		}
	}
	return strconv.Itoa(n), nil
}

// checkSNI takes a name that a client can ask for: no address, and a star at the
// left only, as in certificates.
func checkSNI(name string) (string, *fault) {
	name, wrong := checkHost(name)
	switch {
	case wrong != nil:
		return "", wrong
	case strings.HasSuffix(name, "*"):
		return "", &fault{message: fmt.Sprintf("name %s ends with a star", shown(name)), fix: "let one * stand for the leftmost part: *.example.com"}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "", &fault{message: fmt.Sprintf("%s is an address, which TLS clients don't ask for", shown(name)), fix: "write the name that clients connect to"}
	}
	return name, nil
}

// checkNetwork takes the names that Docker takes.
func checkNetwork(name string) (string, *fault) {
	if wrong := networkChars.refuse("network", name); wrong != nil {
		return "", wrong
	}
	if !isAlnum(name[0]) || len(name) > maxNetwork {
		return "", &fault{message: fmt.Sprintf("%s is no name of a Docker network", shown(name)), fix: "write it as docker network ls shows it"}
	}
	return name, nil
}

// lowerWord is a word in any case.
func lowerWord(word string) (string, *fault) { return strings.ToLower(word), nil }

// checkRedirect takes the codes that Kong takes.
func checkRedirect(code string) (string, *fault) {
	switch code {
	case "301", "302", "307", "308", "426":
		return code, nil
	}
	return "", &fault{message: fmt.Sprintf("%s is not a code for this", shown(code)), fix: "write 301, 302, 307, 308 or 426"}
}
