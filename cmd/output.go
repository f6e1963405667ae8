package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/lockstep/lockstep/controller/status"
)

// output is the flag --output of a command that prints a T, and what follows from it.
type output[T any] struct {
	format *format
	others map[string]func(*printer) // formats that this command alone has
}

// format is the value of the flag.
type format struct {
	word  string
	types []reflect.Type // what the command prints for machines
}

// String implements pflag.Value.
func (f *format) String() string { return f.word }

// Set implements pflag.Value. Whether there is such a format is known when something is printed.
func (f *format) Set(word string) error {
	f.word = word
	return nil
}

// Type implements pflag.Value.
func (f *format) Type() string { return "string" }

// bind adds the flag; others are formats that the command has besides.
func (o *output[T]) bind(c *cobra.Command, others ...string) {
	o.share(&format{word: "text"})
	usage := append([]string{"`format`: text for people, json or yaml for machines"}, others...)
	c.Flags().VarP(o.format, "output", "o", strings.Join(usage, ", "))
	complete(c, "output", append([]string{"text", "json", "yaml"}, others...)...)
}

// share goes by the flag of another output, for a command that prints one or the other.
func (o *output[T]) share(f *format) {
	o.format = f
	f.types = append(f.types, reflect.TypeFor[T]())
}

// also says how one of the command's own formats is written.
func (o *output[T]) also(format string, write func(*printer)) {
	if o.others == nil {
		o.others = map[string]func(*printer){}
	}
	o.others[format] = write
}

// print writes value as JSON or YAML, or what text prints.
func (o *output[T]) print(c *cobra.Command, value T, text func(*printer)) error {
	word := o.format.word
	if other := o.others[word]; other != nil {
		text = other
	}
	switch word {
	case "json":
		encoder := json.NewEncoder(c.OutOrStdout())
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(value); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	case "yaml":
		encoded, err := yaml.Marshal(value)
		if err == nil {
			_, err = c.OutOrStdout().Write(encoded)
		}
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	if word != "text" && o.others[word] == nil {
		known := append([]string{"text", "json", "yaml"}, slices.Sorted(maps.Keys(o.others))...)
		return fmt.Errorf("unknown format %q for --output; use %s", word, strings.Join(known, ", "))
	}
	p := &printer{out: c.OutOrStdout(), local: word == "text", colours: word == "text" && colourful(c.OutOrStdout()), signs: pictorial(c.OutOrStdout())}
	if word == "text" {
		p.width = widthOf(c.OutOrStdout())
	}
	text(p)
	return p.err
}

// screen makes show begin on an empty screen where people look on; elsewhere an
// empty line stands between two texts.
func (o *output[T]) screen(c *cobra.Command, show func(status.Report) error) func(status.Report) error {
	before := "\n"
	if terminal(c.OutOrStdout()) && os.Getenv("TERM") != "dumb" {
		before = "\x1b[H\x1b[2J\x1b[3J"
	}
	first := true
	return func(report status.Report) error {
		if o.format.word == "text" && (!first || before != "\n") {
			if _, err := io.WriteString(c.OutOrStdout(), before); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		first = false
		return show(report)
	}
}

// printer writes text for people. After a failure it writes nothing more.
type printer struct {
	out     io.Writer
	local   bool // times are those of the reader's clock
	colours bool
	signs   bool // signs that not every terminal can show
	width   int  // of the terminal, at which long lines and cells are wrapped; 0: nowhere
	err     error
}

// colourful reports whether colours are shown and wanted (https://no-color.org).
func colourful(out io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(out)
}

// terminal reports whether people look on.
func terminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd()))
}

// pictorial reports whether people look on who see more than ASCII.
func pictorial(out io.Writer) bool {
	locale := strings.ToUpper(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return (strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")) && terminal(out)
}

// The colours, as terminals take them.
const (
	green   = "32"
	yellow  = "33"
	red     = "31"
	magenta = "35"
	bold    = "1"
)

// painted prints one formatted line in a colour, where colours are shown.
func (p *printer) painted(colour, format string, args ...any) {
	text := p.legible(fmt.Sprintf(format, args...))
	if p.colours {
		text = "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.out, text)
	}
}

// line prints one formatted line.
func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.out, p.legible(fmt.Sprintf(format, args...)))
	}
}

// verbatim has print write lines with values that somebody asked for, or that a gateway
// holds: what looks like one of our times there is none.
func (p *printer) verbatim(print func()) {
	local := p.local
	p.local = false
	print()
	p.local = local
}

// legible makes a text one that people read.
func (p *printer) legible(text string) string {
	if p.local {
		text = inLocalTime(text)
	}
	return visible(text)
}

// visible writes out what a terminal would act on instead of showing it: control
// characters, and those that turn the direction of what follows. Much of what is
// printed was written by strangers, or by a gateway.
func visible(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// paragraph makes an error's text visible line by line. Lines after the first
// are set in, so that none that a stranger wrote passes for a message of ours.
func paragraph(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	kept := lines[:0]
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			kept = append(kept, visible(inLocalTime(strings.ReplaceAll(line, "\t", "  "))))
		}
	}
	return strings.Join(kept, "\n  ")
}

// count returns "1 change" or "n changes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
