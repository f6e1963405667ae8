// Command ping says in one line what is wrong with the Docker Engine, and nothing when all is well.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lockstep/lockstep/internal/stage"
)

func main() {
	s, err := stage.Open(context.Background(), "", "ping")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
