// Lockstep keeps Kong Gateway and HAProxy equal to the containers that run.
package main

import (
	"os"

	"github.com/lockstep/lockstep/cmd"
)

// version is set by the linker.
var version = ""

func main() {
	os.Exit(cmd.Main(version, os.Args[1:], os.Stdout, os.Stderr))
}
