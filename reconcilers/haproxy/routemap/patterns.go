package routemap

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/pcre"
)

// patterns.map holds the rows that no map of prefixes can express: those
// with methods, headers or regular expressions. Each is one regular expression
// over "=host:METHOD:headers/path", the headers as lines that end with "\r\n";
// the first that matches wins, so they stand in their order. Only requests to
// hosts that have any are compared with them.

// PatternEnd stands at the end of the patterns and matches nothing. HAProxy
// remembers what it compared until a pattern comes or goes, and takes no
// notice when a whole new list is put in place; adding this afterwards it sees.
const PatternEnd = "^$ -"

// The parts of patterns. None can match beyond its own part of the subject: a
// host and a method hold no ":", a line no "\n", and no line begins with "/".
const (
	everyHost  = `[^:]*`
	anyMethod  = `[^:]*`
	someLines  = `(?:[^\n]*\n)*?`    // before the line of a header
	allLines   = `(?>(?:[^\n]*\n)*)` // once and for all: what follows is the path
	wildLabels = `[^:]+`             // what a star stands for
	cutMatched = "R"                 // instead of the length: what the sixth field holds
	maxMatched = 2048                // the longest path that regular expressions get
)

// needsPattern reports whether a row can't stand in the map of prefixes.
func (r *Route) needsPattern(w row) bool {
	return w.regex || len(r.Methods)+len(r.Headers)+len(r.Cookies) > 0
}

// patterns returns the route's lines in patterns.map. target is the backend's
// name in HAProxy.
func (r *Route) patterns(target string) ([]string, error) {
	var lines []string
	for _, w := range r.rows() {
		if !r.needsPattern(w) {
			continue
		}
		pattern, err := r.pattern(w)
		if err != nil {
			return nil, err
		}
		value := r.value(target, w.paths[0], w.order)
		if w.regex {
			value = target + "|" + r.Demands() + "|0|" + strconv.FormatInt(w.order, 10) + "|" + r.Name
			if r.Strip {
				value = target + "|" + r.Demands() + "|" + cutMatched + "|" + strconv.FormatInt(w.order, 10) + "|" + r.Name + `|\1`
			}
		}
		line := pattern + " " + value
		if err := CheckPattern(line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// Check says why the route can't be written into the maps; nil when it can.
func (r *Route) Check(owner string) error {
	_, err := r.patterns(owner)
	return err
}

func (r *Route) pattern(w row) (string, error) {
	var b strings.Builder
	b.WriteString("^=" + hostPattern(r.Hosts) + ":")
	if len(r.Methods) > 0 {
		b.WriteString(oneOf("", r.Methods))
	} else {
		b.WriteString(anyMethod)
	}
	b.WriteString(":")
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		b.WriteString("(?=" + someLines + regexp.QuoteMeta(name) + `:\x20` + oneOf("i", r.Headers[name]) + `\r\n)`)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Cookies)) {
		value := `[^;\n\r]*`
		if values := r.Cookies[name]; len(values) > 0 {
			value = oneOf("i", values)
		}
		b.WriteString("(?=" + someLines + `cookie:\x20(?:[^\n]*;\x20?)?` + oneOf("i", []string{name}) + "=" + value + `(?:;[^\n]*)?\r\n)`)
	}
	switch {
	case w.regex:
		b.WriteString(allLines + "(")
		for i, path := range w.paths {
			if i > 0 {
				b.WriteString("|")
			}
			text, err := pcre.From(path)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		}
		b.WriteString(")")
	case w.paths[0] != "":
		b.WriteString(allLines + oneOf("", w.paths))
	}
	return b.String(), nil
}

// hostPattern takes the hosts of a route, each plain, "*.suffix" or "prefix.*".
func hostPattern(hosts []string) string {
	if len(hosts) == 0 {
		return everyHost
	}
	var parts []string
	for _, host := range hosts {
		switch {
		case strings.HasPrefix(host, "*"):
			parts = append(parts, wildLabels+regexp.QuoteMeta(host[1:]))
		case strings.HasSuffix(host, "*"):
			parts = append(parts, regexp.QuoteMeta(host[:len(host)-1])+wildLabels)
		default:
			parts = append(parts, regexp.QuoteMeta(host))
		}
	}
	return "(?:" + strings.Join(parts, "|") + ")"
}

// oneOf takes one of some texts as they stand.
func oneOf(flags string, texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return "(?" + flags + ":" + strings.Join(quoted, "|") + ")"
}
