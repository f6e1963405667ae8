package cmd

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// lastLine is the last line of a terminal, on which progress is written over itself. What
// else is written there goes through Write, and stands above it.
type lastLine struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int // how much fits on a line; nil: all
	says  string
}

// progressOn returns the last line of a terminal on which progress can be shown; elsewhere
// nil, which shows nothing.
func progressOn(out io.Writer) *lastLine {
	file, isFile := out.(*os.File)
	if !isFile || !terminal(out) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &lastLine{out: out, width: func() int {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 80
		}
		return width
	}}
}

// clearLine takes a terminal back to the beginning of the line, and empties it.
const clearLine = "\r\x1b[K"

// Write implements io.Writer.
func (l *lastLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.says == "" {
		return l.out.Write(text)
	}
	if _, err := io.WriteString(l.out, clearLine); err != nil {
		return 0, err
	}
	n, err := l.out.Write(text)
	if err == nil {
		_, err = io.WriteString(l.out, l.says)
	}
	return n, err
}

// say replaces the line; "" takes it away.
func (l *lastLine) say(text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	text = visible(text)
	if l.width != nil { // what is more than a line could not be taken back
		if runes, fit := []rune(text), max(l.width()-1, 0); len(runes) > fit {
			text = string(runes[:fit])
		}
	}
	if text == l.says {
		return
	}
	l.says = text
	_, _ = io.WriteString(l.out, clearLine+text) // progress; what counts is the exit code
}
