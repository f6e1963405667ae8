package routing

import "regexp"

// Compile reads a path's regular expression, without its "~". It is tied to the
// start of the path, and not to its end.
func Compile(expr string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expr); err != nil {
		return nil, err
	}
	return regexp.Compile("^(?:" + expr + ")")
}
