package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// errNotMeant is the answer to an order that nobody confirmed.
var errNotMeant = errors.New("nothing is changed")

// agreed shows what would become of an order and, where it concerns anything, asks
// whether it is meant. The error says that it is not, or that nobody can be asked.
func agreed(c *cobra.Command, concerns bool, show func(*printer)) error {
	p := &printer{out: c.ErrOrStderr(), colours: colourful(c.ErrOrStderr())}
	if concerns {
		p.line("This is what would be done:")
	}
	show(p)
	if p.err != nil || !concerns {
		return p.err
	}
	file, isFile := c.InOrStdin().(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return errors.New("nobody is at a terminal to be asked; if this is meant, say --yes")
	}
	if _, err := io.WriteString(c.ErrOrStderr(), "Is this meant? [y/N] "); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	answer, err := readLine(c.Context(), file)
	switch {
	case err != nil && c.Context().Err() != nil:
		p.line("") // what the terminal shows of Ctrl-C stands behind the question
		return errors.Join(p.err, errNotMeant)
	case err != nil:
		return fmt.Errorf("ask: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errNotMeant
	}
	return nil
}

// readLine returns a line, or what there is of it at the end of the file, or the error of ctx
// as soon as that ends.
func readLine(ctx context.Context, from io.Reader) (string, error) {
	return unlessEnded(ctx, func() (string, error) {
		text, err := bufio.NewReader(from).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return text, err
	})
}

// unlessEnded returns what was read, or the error of ctx as soon as that ends. A read of a
// terminal, or of a pipe, can't be broken off: it is left behind then, and ends with the program.
func unlessEnded[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := read()
		done <- answer{value, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case a := <-done:
		return a.value, a.err
	}
}
