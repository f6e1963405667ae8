// Package docs holds the pages for users, and the tests that keep them true:
// commands.md and configuration.md are made from the commands themselves, and
// every example in every page is checked against the program.
package docs

//go:generate go test -run TestPages -update .
