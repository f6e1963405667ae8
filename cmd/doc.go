// Package cmd is the command line: one file for each sub-command, and the
// settings that they share. It wires the parts together and prints what they
// say; it decides nothing.
package cmd
