// Package program runs the stand-in for Kong (internal/fakekong/serve) as a program of
// its own, for tests and measurements that go to a Kong by its addresses alone.
//
// In: the flags of serve. Out: where its Admin API and its proxy are, until Close.
package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kong is a stand-in that runs.
type Kong struct {
	AdminURL, ProxyURL string

	dir     string
	process *exec.Cmd
	input   io.Closer // what ends it
}

// Start builds the stand-in and runs it, until Close or until this process has ended.
func Start(ctx context.Context, flags ...string) (*Kong, error) {
	k := &Kong{}
	if err := k.start(ctx, flags); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Kong) start(ctx context.Context, flags []string) (err error) {
	if k.dir, err = os.MkdirTemp("", "fakekong-"); err != nil {
		return err
	}
	path := filepath.Join(k.dir, "kong")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/lockstep/lockstep/internal/fakekong/serve")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the stand-in for Kong: %w\n%s", err, out)
	}
	process := exec.Command(path, append([]string{"-until-eof"}, flags...)...)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	k.process, k.input = process, in
	lines := bufio.NewReader(out)
	for _, address := range []*string{&k.AdminURL, &k.ProxyURL} {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read where the stand-in for Kong listens: %w", err)
		}
		_, *address, _ = strings.Cut(strings.TrimSpace(line), "=")
	}
	return nil
}

// Environ is the environment of this process with the two variables that lead there.
func (k *Kong) Environ() []string {
	return append(os.Environ(), "KONG_ADMIN_URL="+k.AdminURL, "KONG_PROXY_URL="+k.ProxyURL)
}

// Close ends it.
func (k *Kong) Close() (err error) {
	if k.process != nil {
		err = errors.Join(k.input.Close(), k.process.Wait())
	}
	if k.dir != "" {
		err = errors.Join(err, os.RemoveAll(k.dir))
	}
	return err
}
