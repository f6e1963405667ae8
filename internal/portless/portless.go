// Package portless says errors of connections without the port that each connection has of
// its own, so that the same trouble is the same message.
package portless

import "regexp"

// local is the near end of a connection, as package net writes it before the far end: an
// address with its port, or @ for a nameless socket.
var local = regexp.MustCompile(`(?:@|(?:\d{1,3}(?:\.\d{1,3}){3}|\[[^\[\]\s]+\]):\d+)->`)

// Text returns a message without the near ends of connections.
func Text(message string) string { return local.ReplaceAllString(message, "") }

// Error returns err, or one that wraps it, whose message is without the near ends of
// connections.
func Error(err error) error {
	if said := Text(err.Error()); said != err.Error() {
		return portless{err, said}
	}
	return err
}

type portless struct {
	error
	said string
}

func (e portless) Error() string { return e.said }
func (e portless) Unwrap() error { return e.error }
