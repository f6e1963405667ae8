// Package pcre writes regular expressions for HAProxy's matcher, PCRE2.
//
// In: an expression of RE2's syntax, as strangers ask for it. Out: one that means the same,
// made anew out of few and plain means; or why there is none.
package pcre

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// From writes a regular expression of RE2's syntax for HAProxy's matcher, PCRE2.
// What stands in the file is never the text that a user wrote, but made anew
// from what RE2 understands of it, out of few and plain means; so neither a
// difference between both languages nor an odd character gets through. What
// PCRE2 could take long over is refused.
func From(expr string) (string, error) {
	if why := v1.Backtracks(expr); why != "" {
		return "", fmt.Errorf("regular expression %q: %s", expr, why)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("regular expression %q: %w", expr, err)
	}
	var b strings.Builder
	if err := write(&b, tree); err != nil {
		return "", fmt.Errorf("regular expression %q: %w", expr, err)
	}
	return b.String(), nil
}

func write(b *strings.Builder, re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpLiteral:
		open, shut := "", ""
		if re.Flags&syntax.FoldCase != 0 {
			open, shut = "(?i:", ")"
		}
		b.WriteString(open + regexp.QuoteMeta(string(re.Rune)) + shut)
	case syntax.OpCharClass:
		return writeClass(b, re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(`[^\n]`)
	case syntax.OpEndText:
		b.WriteString(`\z`)
	case syntax.OpWordBoundary:
		b.WriteString(`\b`)
	case syntax.OpNoWordBoundary:
		b.WriteString(`\B`)
	case syntax.OpCapture:
		return writeGroup(b, "", re.Sub...)
	case syntax.OpConcat:
		return writeGroup(b, "", re.Sub...)
	case syntax.OpAlternate:
		return writeGroup(b, "|", re.Sub...)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		if err := writeGroup(b, "", re.Sub[0]); err != nil {
			return err
		}
		b.WriteString(quantifier(re))
	default:
		return errors.New("it holds what HAProxy's matcher would read otherwise")
	}
	return nil
}

// writeGroup writes nodes with something between them, and a group around all.
func writeGroup(b *strings.Builder, between string, subs ...*syntax.Regexp) error {
	b.WriteString("(?:")
	for i, sub := range subs {
		if i > 0 {
			b.WriteString(between)
		}
		if err := write(b, sub); err != nil {
			return err
		}
	}
	b.WriteString(")")
	return nil
}

func quantifier(re *syntax.Regexp) string {
	var text string
	switch {
	case re.Op == syntax.OpStar:
		text = "*"
	case re.Op == syntax.OpPlus:
		text = "+"
	case re.Op == syntax.OpQuest:
		text = "?"
	case re.Max < 0:
		text = fmt.Sprintf("{%d,}", re.Min)
	default:
		text = fmt.Sprintf("{%d,%d}", re.Min, re.Max)
	}
	if re.Flags&syntax.NonGreedy != 0 {
		text += "?"
	}
	return text
}

// writeClass writes a class by the numbers of its characters, as far as a
// path can hold them: visible ASCII.
func writeClass(b *strings.Builder, pairs []rune) error {
	const first, last = 0x21, 0x7e
	var ranges strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if from, to := max(pairs[i], first), min(pairs[i+1], last); from <= to {
			fmt.Fprintf(&ranges, `\x%02x-\x%02x`, from, to)
		}
	}
	if ranges.Len() == 0 {
		return errors.New("it asks for a character that no path has as it stands")
	}
	b.WriteString("[" + ranges.String() + "]")
	return nil
}
