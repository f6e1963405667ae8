package instant

import (
	"testing"
	"time"
)

func TestRewriteFindsWhatTextWrote(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 15, 44, 999, time.FixedZone("CET", 3600))
	if got := Text(at); got != "2026-03-02T09:15:44Z" {
		t.Errorf("Text says %s", got)
	}
	say := func(t time.Time) string { return "<" + t.Format(time.TimeOnly) + ">" }
	for sentence, want := range map[string]string{
		"":                             "",
		"paused since " + Text(at):     "paused since <09:15:44>",
		Text(at) + ", " + Text(at):     "<09:15:44>, <09:15:44>",
		"until 2026-13-02T09:15:44Z":   "until 2026-13-02T09:15:44Z",
		"a2026-03-02T09:15:44Z":        "a2026-03-02T09:15:44Z",
		"2026-03-02T09:15:44.5Z is no": "2026-03-02T09:15:44.5Z is no",
	} {
		if got := Rewrite(sentence, say); got != want {
			t.Errorf("of %q it makes %q, want %q", sentence, got, want)
		}
	}
}
