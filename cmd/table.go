package cmd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// leastWidth is the width of a terminal that is narrower, or does not say.
const leastWidth = 80

// gap is how far columns are apart.
const gap = 2

// widthOf returns how much fits on a line of a terminal; 0 where people don't look on.
func widthOf(out io.Writer) int {
	file, isFile := out.(*os.File)
	if !isFile || !terminal(out) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return leastWidth
	}
	return max(width, leastWidth)
}

// item prints a line that is set in, and what does not fit on it set in further.
func (p *printer) item(indent, text string) {
	for i, line := range wrapped(p.legible(text), p.width-len(indent)-gap) {
		if i == 1 {
			indent += strings.Repeat(" ", gap)
		}
		if p.err == nil {
			_, p.err = fmt.Fprintln(p.out, indent+line)
		}
	}
}

// table prints rows in columns; the first row is the head. Cells are wrapped where the
// terminal is too narrow for them, and nothing stands behind a row's last word.
func (p *printer) table(rows [][]string) { p.tableIn(rows, nil) }

// tableIn is table with the colours of cells; "" is none, and the head has none.
func (p *printer) tableIn(rows [][]string, colourOf func(cell string) string) {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = p.legible(cell)
		}
	}
	widths := p.widths(rows)
	for i, row := range rows {
		cells, height := make([][]string, len(row)), 0
		for column, cell := range row {
			cells[column] = wrapped(cell, widths[column])
			height = max(height, len(cells[column]))
		}
		for at := range height {
			var line strings.Builder
			pending := 0 // blanks that are written when something follows
			for column, lines := range cells {
				text := ""
				if at < len(lines) {
					text = lines[at]
				}
				if text != "" {
					line.WriteString(strings.Repeat(" ", pending))
					pending = 0
				}
				colour := ""
				if i > 0 && colourOf != nil && p.colours && text != "" {
					colour = colourOf(row[column])
				}
				if colour != "" {
					line.WriteString("\x1b[" + colour + "m" + text + "\x1b[0m")
				} else {
					line.WriteString(text)
				}
				pending += widths[column] - utf8.RuneCountInString(text) + gap
			}
			if p.err == nil {
				_, p.err = fmt.Fprintln(p.out, line.String())
			}
		}
	}
}

// widths returns how wide columns are: as their longest cells or, where the terminal is too
// narrow for that, the widest of them less, but none than its longest word.
func (p *printer) widths(rows [][]string) []int {
	var widths, least []int
	for _, row := range rows {
		for column, cell := range row {
			if column == len(widths) {
				widths, least = append(widths, 0), append(least, 0)
			}
			widths[column] = max(widths[column], utf8.RuneCountInString(cell))
			for _, word := range pieces(cell) {
				least[column] = max(least[column], utf8.RuneCountInString(strings.TrimRight(word, " ")))
			}
		}
	}
	over := -p.width - gap
	for _, width := range widths {
		over += width + gap
	}
	for ; p.width > 0 && over > 0; over-- {
		widest := -1
		for column, width := range widths {
			if width > least[column] && (widest < 0 || width > widths[widest]) {
				widest = column
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

// pieces cuts a text where a line may end: behind blanks, and behind commas of lists.
func pieces(text string) []string {
	var out []string
	for _, word := range strings.SplitAfter(text, " ") {
		out = append(out, strings.SplitAfter(word, ",")...)
	}
	return slices.DeleteFunc(out, func(word string) bool { return word == "" })
}

// wrapped cuts a text into lines of a width, as far as words allow; into one where there is
// none.
func wrapped(text string, width int) []string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range pieces(text) {
		if line != "" && utf8.RuneCountInString(line+strings.TrimRight(word, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += word
	}
	return append(lines, strings.TrimRight(line, " "))
}
