package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestByClock: the day is said only where it is another one, in the reader's zone.
func TestByClock(t *testing.T) {
	east := time.FixedZone("EST", 3*3600)
	at := time.Date(2026, 3, 2, 0, 30, 5, 0, east)
	for want, now := range map[string]time.Time{
		"00:30:05 EST":            at.Add(time.Hour).UTC(), // still the day before in UTC
		"2026-03-02 00:30:05 EST": at.Add(-time.Hour),
	} {
		if got := byClock(at, now); got != want {
			t.Errorf("at %s it says %q, want %q", now, got, want)
		}
	}
	if got := byClock(at, at.AddDate(1, 0, 0)); got != "2026-03-02 00:30:05 EST" {
		t.Errorf("a year later it says %q", got)
	}
}

func TestAgo(t *testing.T) {
	for age, want := range map[time.Duration]string{
		-time.Second: "just now", 59 * time.Second: "just now", 61 * time.Second: "1 minute ago",
		150 * time.Minute: "2 hours ago", 47 * time.Hour: "1 day ago",
	} {
		if got := ago(age); got != want {
			t.Errorf("of %s it says %q, want %q", age, got, want)
		}
	}
}

// TestTextHasLocalTimes: what is printed for people bears times by their own clock, and what
// is printed for machines those that the daemon wrote.
func TestTextHasLocalTimes(t *testing.T) {
	at := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	sentence := "paused by alice since " + instant.Text(at) + ": nothing waits"
	print := func(p *printer) { p.line("%s", sentence) }
	if got := printed(t, print); got != sentence+"\n" {
		t.Errorf("in another format it prints %q", got)
	}
	want := "paused by alice since " + at.Local().Format(time.DateTime+" MST") + ": nothing waits\n"
	if got := printed(t, func(p *printer) { p.local = true; print(p) }); got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	if got := printed(t, func(p *printer) { p.local = true; p.table([][]string{{sentence}}) }); got != want {
		t.Errorf("a table prints %q, want %q", got, want)
	}
}

// TestOthersTimesStay: a time within a value that somebody asks for is printed as it is.
func TestOthersTimesStay(t *testing.T) {
	const value = "shut until 2026-03-02T09:15:44Z"
	for name, print := range map[string]func(*printer){
		"plan": func(p *printer) {
			printPlans(p, []server.GatewayPlan{{Gateway: v1.Kong, Changes: []server.Change{{Operation: "update", Sentence: "change route a: headers (none) → " + value}}}})
		},
		"history": func(p *printer) { printDifferences(p, []v1.Difference{{Field: "headers.x", After: value}}) },
		"adopt": func(p *printer) {
			printAdopted(p, "/adopt", []controller.Adopted{{Fields: []plan.Difference{{Name: "headers", After: value}}}})
		},
		"a message": func(p *printer) { p.line("a: InvalidLabel: %q is no list", value) },
		"a name":    func(p *printer) { p.line("service %s", "2026-03-02T09:15:44Z") },
	} {
		got := printed(t, func(p *printer) { p.local = true; print(p) })
		if !strings.Contains(got, "2026-03-02T09:15:44Z") {
			t.Errorf("%s: it prints %q", name, got)
		}
	}
}
