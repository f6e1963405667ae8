package cmd

import (
	"time"

	"github.com/lockstep/lockstep/internal/instant"
)

// People read times by the clock of the machine they sit at. What the daemon says holds
// them for machines (instant.Text); in what is printed as text they become the reader's.

// sayTime says when something is, was or will be.
func sayTime(t time.Time) string { return byClock(t.Local(), time.Now()) }

// byClock says a time as a clock in its zone shows it, with the day unless it is that of now.
func byClock(t, now time.Time) string {
	now = now.In(t.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05 MST")
	}
	return t.Format(time.DateTime + " MST")
}

// sayAge says since when something is so, and how long that has been.
func sayAge(since time.Time) string {
	return sayTime(since) + " (" + ago(time.Since(since)) + ")"
}

// ago says an age in its largest unit.
func ago(age time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		is   time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if age >= unit.is {
			return count(int(age/unit.is), unit.name) + " ago"
		}
	}
	return "just now"
}

// inLocalTime turns the times in a sentence of the daemon's into those of the reader.
func inLocalTime(sentence string) string { return instant.Rewrite(sentence, sayTime) }
