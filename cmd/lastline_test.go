package cmd

import (
	"bytes"
	"strings"
	"testing"
)

// TestLastLine: progress is written over itself, what is logged meanwhile stands above it on
// lines of its own, and in the end nothing of it is left.
func TestLastLine(t *testing.T) {
	var out bytes.Buffer
	l := &lastLine{out: &out, width: func() int { return 23 }}
	log := func(text string) {
		t.Helper()
		if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("wrote %d of %d, %v", n, len(text), err)
		}
	}
	log("started\n")
	l.say("kong: applying 1 of 3")
	l.say("kong: applying 1 of 3") // nothing new, so nothing is written
	log("a warning\n")
	l.say("kong: \x1b[2J: applying 2 of 3") // no terminal acts on it, nor begins another line
	l.say("")
	log("ended\n")
	want := "started\n" +
		"\r\x1b[Kkong: applying 1 of 3" +
		"\r\x1b[Ka warning\nkong: applying 1 of 3" +
		"\r\x1b[Kkong: \\x1b[2J: applyin" +
		"\r\x1b[K" +
		"ended\n"
	if got := out.String(); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if shown := screen(out.String()); shown != "started\na warning\nended\n" {
		t.Errorf("what is left on the screen: %q", shown)
	}
}

// screen is what a terminal shows in the end.
func screen(text string) string {
	var lines []string
	for line := range strings.SplitAfterSeq(text, "\n") {
		if at := strings.LastIndex(line, clearLine); at >= 0 {
			line = line[at+len(clearLine):]
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}
