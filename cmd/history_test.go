package cmd

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
)

func printed(t *testing.T, print func(*printer)) string {
	t.Helper()
	var out bytes.Buffer
	p := &printer{out: &out}
	if print(p); p.err != nil {
		t.Fatal(p.err)
	}
	return out.String()
}

// TestPrintHistory: a line says what changed and who did it, and nothing that a
// stranger wrote reaches the terminal as it is.
func TestPrintHistory(t *testing.T) {
	fields := []v1.Difference{
		{Field: "read_timeout", Before: "5s", After: "1m"}, {Field: "retries", After: "3"}, {Field: "a"}, {Field: "b"}, {Field: "c"}, {Field: "d"},
	}
	generations := []history.Generation{
		{Number: 3, Time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.Local), Changes: []history.Change{
			{Service: "api", Operation: history.Changed, Fields: fields, Origin: v1.Origin{File: "api.yaml", Line: 4, Column: 9, Commit: "5d1c4f2a90bebebe", Author: "Jane\x1b[2J Doe"}},
			{Service: "web", Operation: history.Changed, Fields: fields[:1], RolledBackTo: 1, By: "alice"},
		}},
		{Number: 2, Time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.Local), Changes: []history.Change{
			{Service: "old", Operation: history.Removed}, {Service: "web", Operation: history.Changed, Released: true, By: "bob"},
		}},
	}
	zoned := func(generation int) string { return generations[3-generation].Time.Format("2006-01-02 15:04:05 MST") }
	want := `GENERATION  WHEN                 SERVICE  WHAT                                                      WHO
3           ` + zoned(3) + `  api      changed: read_timeout, retries, a, b, and 2 more          api.yaml:4:9, commit 5d1c4f2a90be by Jane\x1b[2J Doe
                                 web      rolled back to 1: read_timeout                            alice
2           ` + zoned(2) + `  old      removed                                                   -
                                 web      released                                                  bob
`
	squeeze := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	if diff := cmp.Diff(squeeze(want), squeeze(printed(t, func(p *printer) { printHistory(p, generations) }))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := printed(t, func(p *printer) { printGenerations(p, generations[:1]) }); !strings.Contains(got, "  ~ read_timeout: 5s → 1m\n  + retries: 3\n") {
		t.Errorf("field by field:\n%s", got)
	}
	if got := printed(t, func(p *printer) { printHistory(p, nil) }); got != "nothing is kept of that yet\n" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestRollbackIsAskedFor: what would differ is shown before anything is done, and where
// nobody can be asked, nothing is.
func TestRollbackIsAskedFor(t *testing.T) {
	preview := []controller.RolledBack{
		{Service: "web", Generation: 3, Changed: true, Fields: []v1.Difference{{Field: "routes.default.hosts", Before: "b.test", After: "a.test"}}, Rivals: []string{"api.default"}},
		{Service: "old", Refused: "it did not exist at generation 3; stop its containers to have it gone"},
	}
	c := &cobra.Command{}
	var out bytes.Buffer
	c.SetErr(&out)
	c.SetIn(strings.NewReader("y\n")) // no terminal
	ask := func(list []controller.RolledBack) error {
		return agreed(c, concerns(list), func(p *printer) { printRolledBack(p, list, true) })
	}
	if err := ask(preview); err == nil || !strings.Contains(err.Error(), "say --yes") {
		t.Errorf("got %v", err)
	}
	want := `This is what would be done:
web goes back to generation 3 until: lockstep release web
  ~ routes.default.hosts: b.test → a.test
  ! the route api.default holds a match that it asks for, and may keep it
old stays as it is: it did not exist at generation 3; stop its containers to have it gone
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := ask([]controller.RolledBack{{Service: "web", Generation: 3}}); err != nil {
		t.Errorf("where nothing would change nobody is asked: %v", err)
	}
	named := server.RollbackRequest{Services: []string{"web", "old"}}
	if err := refusalOf(preview, named); err == nil || !strings.Contains(err.Error(), "old") || strings.Contains(err.Error(), "web") {
		t.Errorf("of what was named: %v", err)
	}
	if err := refusalOf(preview, server.RollbackRequest{}); err != nil {
		t.Errorf("where none is named it is no failure: %v", err)
	}
	named.Release = true
	if err := refusalOf(preview, named); err == nil || err.Error() != "not released: old" {
		t.Errorf("of what was not held: %v", err)
	}
	if code := Main("test", []string{"rollback", "yesterday"}, &out, &out); code != 1 || !strings.Contains(out.String(), `"yesterday" is no generation`) {
		t.Errorf("of no number:\n%s", out.String())
	}
}

// TestHistoryOfNobody: a name that nothing was ever called so is an error with the one that
// may be meant, and not an empty answer.
func TestHistoryOfNobody(t *testing.T) {
	known := []string{"shop.web", "api"}
	for name, want := range map[string]string{
		"api": "", "shop.wbe": "did you mean shop.web?", "something": "see which there are with: lockstep status, lockstep history",
	} {
		err := unheardOf(name, known)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (!errors.Is(err, server.ErrUnknown) || !strings.HasSuffix(err.Error(), want)):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	for _, limit := range []string{"0", "1001"} {
		var out bytes.Buffer
		if code := Main("test", []string{"history", "--limit", limit}, &out, &out); code != 1 || !strings.Contains(out.String(), "--limit is "+limit) {
			t.Errorf("limit %s: %d\n%s", limit, code, out.String())
		}
	}
}

// TestRollbackOfWhatIsGone: without names, services that were there then and are no more are
// the answer, for people and as JSON, and nobody is asked.
func TestRollbackOfWhatIsGone(t *testing.T) {
	const why = "it has no containers now and no manifest declares it; bring one of them back first, then: lockstep rollback 3 web"
	path, orders := filepath.Join(t.TempDir(), "control.sock"), 0
	daemon := &http.Server{Handler: server.NewControl(server.Actions{ //nolint:gosec // a test's own
		Rollback: func(_ context.Context, r server.RollbackRequest) ([]controller.RolledBack, error) {
			if !r.Preview {
				orders++
			}
			return []controller.RolledBack{{Service: "web", Refused: why}}, nil
		},
	})}
	go daemon.Serve(listen(t, path)) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { _ = daemon.Close() })
	for format, want := range map[string]string{
		"text": "web stays as it is: " + why + "\n",
		"json": "[\n  {\n    \"service\": \"web\",\n    \"changed\": false,\n    \"refused\": \"" + why + "\"\n  }\n]\n",
	} {
		var out, failed bytes.Buffer
		if code := Main("test", []string{"rollback", "3", "--control-socket", path, "-o", format}, &out, &failed); code != 0 || out.String() != want {
			t.Errorf("%s: exit code %d, %s\ngot  %s\nwant %s", format, code, failed.String(), out.String(), want)
		}
		if code := Main("test", []string{"rollback", "3", "web", "--control-socket", path, "-o", format}, &out, &failed); code != 1 || !strings.Contains(failed.String(), "not rolled back: web") {
			t.Errorf("%s, by its name: exit code %d, %s", format, code, failed.String())
		}
	}
	if orders > 0 {
		t.Errorf("%d orders were given, though there is nothing to do", orders)
	}
}
