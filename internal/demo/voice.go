package demo

import (
	"fmt"
	"io"
	"strings"
)

// voice tells what happens. What it can't write is lost: there is nobody left to tell.
type voice struct {
	out   io.Writer
	color bool
	scene int
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	reset = "\x1b[0m"
)

func (v *voice) paint(style, text string) string {
	if !v.color {
		return text
	}
	return style + text + reset
}

// title begins a scene.
func (v *voice) title(text string) {
	v.scene++
	fmt.Fprintf(v.out, "\n%s\n", v.paint(bold, fmt.Sprintf("%d. %s", v.scene, text)))
}

// say says a line.
func (v *voice) say(format string, args ...any) {
	fmt.Fprintf(v.out, "   "+format+"\n", args...)
}

// prove says a line that shows that it works.
func (v *voice) prove(format string, args ...any) {
	fmt.Fprintln(v.out, "   "+v.paint(green, fmt.Sprintf(format, args...)))
}

// command shows a command line.
func (v *voice) command(words ...string) {
	fmt.Fprintln(v.out, "   "+v.paint(dim, "$ "+strings.Join(words, " ")))
}

// output shows what a command said.
func (v *voice) output(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		fmt.Fprintln(v.out, "     "+strings.TrimRight(line, "\n"))
	}
}
