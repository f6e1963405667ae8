package schema

import (
	"regexp"
	"strings"
	"sync"
)

// classes are the character classes of Lua patterns, as the inside of a class of Go's.
var classes = map[byte]string{
	'a': `a-zA-Z`, 'd': `0-9`, 'l': `a-z`, 'u': `A-Z`, 'w': `a-zA-Z0-9`, 's': `\s`,
	'x': `0-9a-fA-F`, 'p': "!-/:-@\\[-`{-~",
}

var patterns sync.Map // Lua pattern -> *regexp.Regexp, nil where it is beyond us

// MatchLua reports whether a Lua pattern matches somewhere in s. Patterns with
// %b, %f or back-references match everything: Kong's schemas use none.
func MatchLua(lua, s string) bool {
	re, ok := patterns.Load(lua)
	if !ok {
		compiled, _ := regexp.Compile(fromLua(lua))
		re, _ = patterns.LoadOrStore(lua, compiled)
	}
	compiled, _ := re.(*regexp.Regexp)
	return compiled == nil || compiled.MatchString(s)
}

// fromLua translates a Lua pattern to a regular expression.
func fromLua(lua string) string {
	var b strings.Builder
	b.WriteString("(?s)")
	for i := 0; i < len(lua); i++ {
		switch c := lua[i]; {
		case c == '%' && i+1 < len(lua):
			i++
			b.WriteString(escape(lua[i], true))
		case c == '[':
			i = class(lua, i, &b)
		case c == '-':
			b.WriteString("*?")
		case strings.IndexByte("^$.*+?()", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

// class translates the class that begins at lua[i] and returns where it ends.
func class(lua string, i int, b *strings.Builder) int {
	b.WriteByte('[')
	i++
	if i < len(lua) && lua[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for start := i; i < len(lua) && (lua[i] != ']' || i == start); i++ {
		switch c := lua[i]; {
		case c == '%' && i+1 < len(lua):
			i++
			b.WriteString(escape(lua[i], false))
		case c == '-' && i > start && i+1 < len(lua) && lua[i+1] != ']' && lua[i-1] != '%' && !after(lua, i):
			b.WriteByte('-')
		case c == '-' || c == '[' || c == ']' || c == '\\' || c == '^':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(']')
	return i
}

// after reports whether the character before lua[i] ends an escape, so that a dash there is no range.
func after(lua string, i int) bool { return i >= 2 && lua[i-2] == '%' }

// escape translates %c, within a class or outside of one.
func escape(c byte, outside bool) string {
	set, ok := classes[c]
	switch {
	case !ok:
		return `\` + string(c)
	case outside:
		return "[" + set + "]"
	}
	return set
}
