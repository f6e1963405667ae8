package cmd

import (
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/instant"
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
