package native

import (
	"fmt"
	"slices"
	"strings"

	parser "github.com/haproxytech/client-native/v5/config-parser"
	"github.com/haproxytech/client-native/v5/config-parser/options"
)

// tidy takes the section out of the writer's text, has it build on defaults, and
// makes sure that it is one section and nothing else.
func tidy(text, head, defaults string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case b.Len() == 0:
			if line != head {
				return "", fmt.Errorf("the section begins with %q", line)
			}
			b.WriteString(head + " from " + defaults + "\n")
		default:
			b.WriteString("  " + line + "\n")
		}
	}
	if err := alone(b.String(), head); err != nil {
		return "", err
	}
	return b.String(), nil
}

// headings are the words that begin a section of HAProxy's, wherever they stand in a line.
var headings = []string{
	"acme", "backend", "cache", "certificate", "crt-store", "defaults", "fcgi-app", "frontend", "global", "healthcheck", "http-errors", "listen",
	"log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist",
}

// alone makes sure that a text is one section, under its own head. No value of
// a manifest may carry a second line, let alone a second section.
func alone(text, head string) error {
	first := true
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		switch {
		case strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f }):
			return fmt.Errorf("%q holds control characters", line)
		case strings.HasSuffix(line, `\`):
			return fmt.Errorf("the line %q ends with a backslash", strings.TrimSpace(line))
		case len(words) == 0 || first != slices.Contains(headings, words[0]) || first && !strings.HasPrefix(line, head+" from "):
			return fmt.Errorf("the line %q does not belong to the section %s alone", strings.TrimSpace(line), head)
		}
		first = false
	}
	p, err := parser.New(options.Reader(strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("it can't be read back: %w", err)
	}
	var found []string
	for _, kind := range []parser.Section{parser.Frontends, parser.Backends, parser.Listen, parser.Defaults} {
		names, err := p.SectionsGet(kind)
		if err != nil {
			continue // none of this kind
		}
		for _, name := range names {
			found = append(found, string(kind)+" "+name)
		}
	}
	if !slices.Equal(found, []string{head}) {
		return fmt.Errorf("read back it is %s, not %s", strings.Join(found, ", "), head)
	}
	return nil
}
