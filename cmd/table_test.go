package cmd

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
)

// rowsOf are rows whose third column is wide, as those of a history are.
func rowsOf() [][]string {
	return [][]string{
		{"GENERATION", "SERVICE", "WHAT", "WHO"},
		{"2", "shop.web", "changed: routes.default.hosts, routes.default.paths, routes.default.methods and 12 more", `container "shop-web-1" label "lockstep.hosts"`},
		{"", "api", "added", "-"},
	}
}

// TestTablesFitTheTerminal: cells are wrapped between words, and no row has blanks behind it.
// In a pipe each row is one line.
func TestTablesFitTheTerminal(t *testing.T) {
	got := printed(t, func(p *printer) { p.width = 80; p.table(rowsOf()) })
	want := `GENERATION  SERVICE   WHAT                          WHO
2           shop.web  changed:                      container "shop-web-1" label
                      routes.default.hosts,         "lockstep.hosts"
                      routes.default.paths,
                      routes.default.methods and
                      12 more
            api       added                         -
`
	if got != want {
		t.Errorf("at 80 columns:\n%s\nwant:\n%s", got, want)
	}
	got = printed(t, func(p *printer) { p.table(rowsOf()) })
	if lines := strings.Split(got, "\n"); len(lines) != 4 || !strings.HasSuffix(lines[1], `and 12 more  container "shop-web-1" label "lockstep.hosts"`) {
		t.Errorf("in a pipe:\n%s", got)
	}
	for line := range strings.Lines(got) {
		if strings.TrimRight(line, " \n")+"\n" != line {
			t.Errorf("%q ends with blanks", line)
		}
	}
}

// TestWordsStayWhole, also those that no terminal is wide enough for: they can be copied.
func TestWordsStayWhole(t *testing.T) {
	long := strings.Repeat("x", 90)
	got := printed(t, func(p *printer) { p.width = 80; p.table([][]string{{"NAME", "ROUTES"}, {long, "a.test,b.test /c"}}) })
	if want := "NAME" + strings.Repeat(" ", 88) + "ROUTES\n" + long + "  a.test,\n" + strings.Repeat(" ", 92) + "b.test\n" + strings.Repeat(" ", 92) + "/c\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestProblemsAreWrapped at a terminal's width, and set in; in a pipe each is a line.
func TestProblemsAreWrapped(t *testing.T) {
	line := "kong: " + strings.Repeat("many words ", 16) + "in the end"
	got := printed(t, func(p *printer) { p.width = 80; listProblems(p, []string{line}) })
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "  kong: many") || !strings.HasPrefix(lines[2], "    ") || strings.HasPrefix(lines[2], "     ") {
		t.Errorf("got:\n%s", got)
	}
	for _, l := range lines {
		if len(l) > 80 || strings.HasSuffix(l, " ") {
			t.Errorf("%q has %d characters", l, len(l))
		}
	}
	if got := printed(t, func(p *printer) { listProblems(p, []string{line}) }); got != "\nPROBLEMS\n  "+line+"\n" {
		t.Errorf("in a pipe:\n%s", got)
	}
}

// TestStatesHaveColours where they are shown, and take no room.
func TestStatesHaveColours(t *testing.T) {
	gateways := []status.Gateway{{Name: v1.Kong, Reason: v1.Serving}, {Name: v1.HAProxy, Reason: v1.GatewayUnreachable}}
	plain := printed(t, func(p *printer) { printGateways(p, gateways) })
	coloured := printed(t, func(p *printer) { p.colours = true; printGateways(p, gateways) })
	if strings.Contains(plain, "\x1b") {
		t.Errorf("without colours:\n%q", plain)
	}
	for _, want := range []string{"\x1b[32mServing\x1b[0m", "\x1b[31mGatewayUnreachable\x1b[0m"} {
		if !strings.Contains(coloured, want) {
			t.Errorf("without %q: %q", want, coloured)
		}
	}
	for _, code := range []string{"\x1b[32m", "\x1b[31m", "\x1b[0m"} {
		coloured = strings.ReplaceAll(coloured, code, "")
	}
	if coloured != plain {
		t.Errorf("colours move columns:\n%s\n%s", coloured, plain)
	}
	for cell, want := range map[string]string{"Serving through haproxy": green, "Serving, applying 4 of 9": green, "503": yellow, "HeldByGuard": yellow, "Conflict": red, "-": "", "shop.test": "", "STATE": ""} {
		if got := colourOf(cell); got != want {
			t.Errorf("%q has the colour %q, want %q", cell, got, want)
		}
	}
}
