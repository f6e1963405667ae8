package routing

import (
	"fmt"
	"strings"
)

// Because says by what a route goes before another one for a request that both match, in
// the order that the package tells. It returns "" where it does not, or where one does not match.
func Because(first, second *Route, r Request) (string, error) {
	a, err := matching(first, r)
	if err != nil {
		return "", err
	}
	b, err := matching(second, r)
	if err != nil || a == nil || b == nil {
		return "", err
	}
	if a.rank < b.rank || a.rank == b.rank && a.id <= b.id {
		return "", nil
	}
	more, fewer := a.categories(), b.categories()
	byMore := fmt.Sprintf("it matches by %s, the other one by %s alone", listed(more), listed(fewer))
	if len(fewer) == 0 {
		byMore = fmt.Sprintf("it matches by %s, the other one takes everything", listed(more))
	}
	switch all := max(len(more), len(fewer)) > 3; { // then nothing but the number counts
	case all && len(more) != len(fewer):
		return byMore, nil
	case !all && a.rank&plainHostsBit != b.rank&plainHostsBit:
		return "it names its hosts without wildcards", nil
	case !all && a.rank&regexpBit != b.rank&regexpBit:
		return "its path is a regular expression", nil
	case len(more) != len(fewer):
		return byMore, nil
	case len(a.headers) != len(b.headers):
		return fmt.Sprintf("it asks for more headers, %d and not %d", len(a.headers), len(b.headers)), nil
	case first.RegexPriority != second.RegexPriority && len(a.regexps) > 0:
		return "its regex_priority is higher", nil
	case a.rank != b.rank:
		return "its path is longer", nil
	}
	return "nothing else tells them apart, and its id is greater", nil
}

// matching returns the first row of a route that matches a request; nil for none.
func matching(r *Route, request Request) (*row, error) {
	rows, err := compile(r)
	if err != nil {
		return nil, fmt.Errorf("route %s: %w", r.Name, err)
	}
	rank(rows)
	q := read(request)
	for _, row := range rows {
		if _, matches := row.match(q); matches {
			return row, nil
		}
	}
	return nil, nil
}

// categories names what a row matches by.
func (w *row) categories() []string {
	var names []string
	for _, c := range []struct {
		name string
		has  int
	}{
		{"methods", len(w.route.Methods)}, {"hosts", len(w.route.Hosts)}, {"headers", len(w.route.Headers)},
		{"snis", len(w.route.SNIs)}, {"paths", len(w.plain) + len(w.regexps)},
	} {
		if c.has > 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// listed joins names as a sentence does.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
