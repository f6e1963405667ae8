package v1

import (
	"regexp/syntax"
	"strings"
)

// The most that a regular expression may try. A matcher that backtracks (PCRE)
// may take time in proportion to the path's length for each repetition whose end
// is open, and twice as long for each choice; RE2 never does.
const (
	maxOpenEnds = 2
	maxChoices  = 1 << 12
	openEndCost = 1 << 4
)

// Backtracks says why a matcher that backtracks could take long over a regular
// expression, or would read it otherwise; "" when it is safe. The expression
// is given without its "~".
func Backtracks(expr string) string {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "it is not valid"
	}
	m := measure{choices: 1}
	m.walk(tree, nil, true)
	switch {
	case m.wrong != "":
		return m.wrong
	case m.open > maxOpenEnds:
		return "more than two of its repetitions could end at several places (write [^/]+ and the like instead of .*)"
	case m.choices<<(4*m.open) > maxChoices:
		return "it has too many choices"
	}
	return ""
}

// isSlow reports whether a path is such a regular expression.
func isSlow(path string) bool {
	expr, regex := strings.CutPrefix(path, "~")
	return regex && Backtracks(expr) != ""
}

// measure counts what multiplies.
type measure struct {
	open    int // repetitions that may end at several places
	choices int
	wrong   string
}

// walk measures a node that next follows; last says that nothing else does.
func (m *measure) walk(re, next *syntax.Regexp, last bool) {
	switch re.Op {
	case syntax.OpNoMatch, syntax.OpBeginText, syntax.OpBeginLine, syntax.OpEndLine:
		m.wrong = "it holds what never matches in a path, or is read otherwise elsewhere (^, multi-line mode)"
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r <= ' ' || r > '~' {
				m.wrong = "it holds a character that no path has as it stands"
			}
		}
	case syntax.OpConcat:
		for i, sub := range re.Sub {
			after, end := next, last && i == len(re.Sub)-1
			if i+1 < len(re.Sub) {
				after = re.Sub[i+1]
			}
			m.walk(sub, after, end)
		}
	case syntax.OpAlternate:
		m.choose(len(re.Sub))
		for _, sub := range re.Sub {
			m.walk(sub, next, last)
		}
	case syntax.OpCapture:
		m.walk(re.Sub[0], next, last)
	case syntax.OpQuest:
		m.choose(2)
		m.walk(re.Sub[0], next, last)
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		m.repeat(re, next, last)
	}
}

func (m *measure) choose(n int) {
	if m.choices *= n; m.choices > maxChoices {
		m.choices = maxChoices + 1
	}
}

// repeat measures a repetition: what it repeats may neither repeat nor branch.
func (m *measure) repeat(re, next *syntax.Regexp, last bool) {
	body := re.Sub[0]
	for body.Op == syntax.OpCapture {
		body = body.Sub[0]
	}
	if !fixed(body) {
		m.wrong = "it repeats what itself repeats or branches"
		return
	}
	m.walk(body, nil, false)
	exact := re.Op == syntax.OpRepeat && re.Min == re.Max
	ends := last || next != nil && next.Op == syntax.OpEndText
	if !exact && !ends && !apart(body, next) {
		m.open++
	}
}

// fixed reports whether a node takes the same number of characters always, in one way.
func fixed(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			if !fixed(sub) {
				return false
			}
		}
		return true
	}
	return false
}

// apart reports whether what follows a repetition of single characters can
// begin with none of them, so that it ends at one place only.
func apart(body, next *syntax.Regexp) bool {
	if body.Op == syntax.OpLiteral && len(body.Rune) > 1 || body.Op == syntax.OpConcat {
		return false
	}
	for c := rune(0x21); c < 0x7f; c++ {
		if begins(body, c) && begins(next, c) {
			return false
		}
	}
	return true
}

// begins reports whether a node may begin with a character; what is not simple may.
func begins(re *syntax.Regexp, c rune) bool {
	if re == nil {
		return true
	}
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return strings.EqualFold(string(re.Rune[0]), string(c))
		}
		return re.Rune[0] == c
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i] <= c && c <= re.Rune[i+1] {
				return true
			}
		}
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return begins(re.Sub[0], c)
	case syntax.OpConcat:
		return begins(re.Sub[0], c)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if begins(sub, c) {
				return true
			}
		}
		return false
	}
	return true
}
