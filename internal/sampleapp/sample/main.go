// Command sample is the sample service as a program of its own.
package main

import (
	"os"

	"github.com/lockstep/lockstep/internal/sampleapp"
)

func main() { os.Exit(sampleapp.Main(os.Args[1:])) }
