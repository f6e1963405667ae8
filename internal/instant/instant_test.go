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
		"":                         "",
		"paused since " + Text(at): "paused since <09:15:44>",
		"older, of " + Text(at) + " and not of " + Text(at):           "older, of <09:15:44> and not of <09:15:44>",
		"until 2026-13-02T09:15:44Z":                                  "until 2026-13-02T09:15:44Z",
		"that 2026-03-02T09:15:44Z":                                   "that 2026-03-02T09:15:44Z",
		"at 2026-03-02T09:15:44.5Z is no":                             "at 2026-03-02T09:15:44.5Z is no",
		"headers 2026-03-02T09:15:44Z":                                "headers 2026-03-02T09:15:44Z",
		`"a\" until 2026-03-02T09:15:44Z" is wrong since ` + Text(at): `"a\" until 2026-03-02T09:15:44Z" is wrong since <09:15:44>`,
	} {
		if got := Rewrite(sentence, say); got != want {
			t.Errorf("of %q it makes %q, want %q", sentence, got, want)
		}
	}
}
