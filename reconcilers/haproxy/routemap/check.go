package routemap

import (
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// CheckEntry is the last look at a line before it reaches a socket or a file.
func CheckEntry(key, value string) error {
	if err := (charset.Word{What: "map key", Extra: "|" + charset.Host.Extra + charset.Path.Extra, Max: 1400}).Check(key); err != nil {
		return err
	}
	return (charset.Word{What: "map value", Extra: "|:-_.", Max: 300}).Check(value)
}

// CheckPattern is the last look at a line before it reaches a socket or a file.
func CheckPattern(line string) error {
	pattern, value, _ := strings.Cut(line, " ")
	if err := charset.Pattern.Check(pattern); err != nil {
		return err
	}
	return (charset.Word{What: "value of a pattern", Extra: `|:-_.\`, Max: v1.MaxName + 100}).Check(value)
}
