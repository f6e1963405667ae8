package v1

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// maxPath is the longest path, plain or regular expression.
const maxPath = 1024

// Regular expressions may hold more than plain paths.
var (
	pathChars  = Charset{"what may stand in a URL's path (letters, digits, `-._~/!$&()*+,;=:@` and `%` escapes), in a regular expression visible ASCII without quotes and `#`", isPlain}
	plainChars = Charset{"letters, digits and -._~/!$&()*+,;=:@, and %XX for one of !*'();:@&=+$,/?%#[]", func(c byte) bool {
		return isAlnum(c) || strings.IndexByte("-._~/!$&()*+,;=:@%", c) >= 0
	}}
	regexChars = Charset{"visible ASCII without quotes and #", isPlain}
)

// reserved are the characters that mean something in a URL, so that "%2F" is
// not "/". All others Kong decodes before it matches.
const reserved = "!*'();:@&=+$,/?%#[]"

// checkPath takes a plain prefix in the form in which Kong matches it, or a
// regular expression after "~".
func checkPath(path string) (string, *fault) {
	if len(path) > maxPath {
		return "", &fault{message: fmt.Sprintf("path %s is longer than %d characters", shown(path), maxPath), fix: "shorten it"}
	}
	if isRegex(path) {
		return path, checkRegex(path)
	}
	if !strings.HasPrefix(path, "/") {
		return "", &fault{
			message: fmt.Sprintf("path %s does not begin with /", shown(path)),
			fix:     "begin it with /, or with ~/ for a regular expression",
		}
	}
	if wrong := plainChars.refuse("path", path); wrong != nil {
		return "", wrong
	}
	if wrong := checkEscapes(path); wrong != nil {
		return "", wrong
	}
	return path, checkSegments(path)
}

// checkSegments refuses what Kong resolves before it matches: such a path
// would never be met.
func checkSegments(path string) *fault {
	if strings.Contains(path, "//") {
		return &fault{message: fmt.Sprintf("path %s has an empty segment", shown(path)), fix: "write one / instead of //"}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return &fault{
				message: fmt.Sprintf("path %s holds the segment %q, which gateways resolve before they match", shown(path), segment),
				fix:     "write the path that it leads to",
			}
		}
	}
	return nil
}

// checkEscapes refuses percent escapes that are none, and those that Kong
// decodes before it matches.
func checkEscapes(path string) *fault {
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		escape := path[i:min(i+3, len(path))]
		decoded, err := hex.DecodeString(escape[1:])
		if err != nil || len(decoded) != 1 {
			return &fault{
				message: fmt.Sprintf("path %s holds %q, which is no percent escape", shown(path), escape),
				fix:     "write %25 for the percent sign itself",
			}
		}
		if strings.IndexByte(reserved, decoded[0]) < 0 {
			wrong := &fault{
				message: fmt.Sprintf("path %s holds %s, which gateways decode before they match", shown(path), escape),
				fix:     "shorten the path to end before it, or use a regular expression",
			}
			if plainChars.holds(decoded[0]) {
				wrong.fix = fmt.Sprintf("write %c instead of %s", decoded[0], escape)
			}
			return wrong
		}
		if upper := strings.ToUpper(escape); upper != escape {
			return &fault{
				message: fmt.Sprintf("path %s holds %s, which gateways compare in upper case", shown(path), escape),
				fix:     fmt.Sprintf("write %s instead of %s", upper, escape),
			}
		}
		i += 2
	}
	return nil
}

// checkRegex takes regular expressions that every router in play understands:
// RE2's. It is anchored at the start of the path, not at its end.
func checkRegex(path string) *fault {
	if wrong := regexChars.refuse("regular expression", path); wrong != nil {
		return wrong
	}
	switch {
	case !strings.HasPrefix(path, "~/"):
		return &fault{
			message: fmt.Sprintf("regular expression %s does not begin with ~/", shown(path)),
			fix:     "begin it with ~/ (it is anchored there, so no ^ is needed)",
		}
	case strings.Contains(path, "//"):
		return &fault{message: fmt.Sprintf("regular expression %s holds //, which Kong refuses", shown(path)), fix: "write /{2} where two slashes are meant"}
	}
	if _, err := regexp.Compile(path[1:]); err != nil {
		return &fault{
			message: fmt.Sprintf("%s is not a valid regular expression: %s", shown(path), shown(strings.TrimPrefix(err.Error(), "error parsing regexp: "))),
			fix:     "write it in RE2 syntax (no look-around, no back-references)",
		}
	}
	return nil
}
