package haproxy

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// withDefaults fills in what was left out and refuses what can't work.
func (o Options) withDefaults() (Options, error) {
	if o.Mode == "" {
		o.Mode = Managed
	}
	if o.Mode != Managed && o.Mode != External {
		return o, fmt.Errorf("haproxy mode %q is unknown; use %s or %s", o.Mode, Managed, External)
	}
	if charset.Owner.Check(o.Owner) != nil {
		return o, fmt.Errorf("owner %q can't be part of HAProxy's names; use 1 to 32 letters, digits, - and _", o.Owner)
	}
	if o.Dir == "" {
		return o, fmt.Errorf("haproxy needs a directory of its own; name one with --haproxy-dir")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("haproxy directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if err := o.wholePaths(); err != nil {
		return o, err
	}
	o.socketDefaults()
	if err := cmp.Or(o.checkPaths(), checkAccessLog(o), o.listeners(), o.streamDefaults(), o.Via.check()); err != nil {
		return o, err
	}
	if o.ReloadEvery == 0 {
		o.ReloadEvery = time.Second
	}
	if o.Spares == 0 {
		o.Spares = defaultSpares
	}
	if o.Spares > maxSpares {
		return o, fmt.Errorf("%d prepared backends are too many; use at most %d", o.Spares, maxSpares)
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if strings.Contains(o.Binary, "/") { // it is started in another directory, and with each reload anew
		if o.Binary, err = filepath.Abs(o.Binary); err != nil {
			return o, fmt.Errorf("haproxy's program %s: %w", o.Binary, err)
		}
	}
	if o.Binary == "" {
		o.Binary = findProgram("/usr/sbin", "/usr/local/sbin", "/sbin")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// wholePaths makes paths absolute that HAProxy gets to read, which is started in another
// directory.
func (o *Options) wholePaths() (err error) {
	o.ConfigFiles = slices.Clone(o.ConfigFiles)
	paths := []*string{&o.StatsSocket, &o.MasterSocket, &o.PIDFile}
	for i := range o.ConfigFiles {
		paths = append(paths, &o.ConfigFiles[i])
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("the path of a file of HAProxy's: %w", err)
		}
	}
	return nil
}

// checkPaths refuses paths that HAProxy's files or a unix socket can't take.
func (o *Options) checkPaths() error {
	for _, path := range []string{o.Dir, o.PIDFile} {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	return cmp.Or(CheckSocket(o.StatsSocket), CheckSocket(o.MasterSocket))
}

func checkPath(path string) error {
	if path != "" && charset.File.Check(path) != nil {
		return fmt.Errorf("path %q can't be written into HAProxy's configuration; use one of letters, digits and ._:@+-/ only", path)
	}
	return nil
}

// CheckSocket says what is wrong with the path of a socket of HAProxy's.
func CheckSocket(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket path %s has %d characters and a unix socket takes %d; use a shorter --haproxy-dir", path, len(path), maxSocketPath)
	}
	return checkPath(path)
}

// listeners checks the addresses of listeners, and makes the paths of certificates
// absolute, which are their names.
func (o *Options) listeners() error {
	for _, text := range slices.Concat(o.Binds, o.TLSBinds) {
		if _, err := bind.Parse(text); err != nil {
			return err
		}
	}
	if len(o.CertificateFiles) > 0 && len(o.TLSBinds) == 0 {
		return errors.New("certificates are named and no listener for TLS is; open one with --haproxy-bind-tls")
	}
	if o.TLSPassthrough && len(o.TLSBinds) == 0 {
		return errors.New("TLS is to be passed on and no listener for TLS is named; open one with --haproxy-bind-tls")
	}
	var paths []string
	for _, path := range o.CertificateFiles {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("certificates %s: %w", path, err)
		}
		paths = append(paths, absolute)
	}
	o.CertificateFiles = paths
	named, err := pemfile.Named(o.BackendCAs)
	if err != nil {
		return fmt.Errorf("authorities for containers (--backend-ca): %w", err)
	}
	o.backendCAs, o.systemCA = withSystem(named)
	return o.clientPaths()
}

// findProgram returns HAProxy's path where PATH does not name its directory, as
// those of users and of some services leave out sbin; else its name.
func findProgram(directories ...string) string {
	const name = "haproxy"
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	for _, directory := range directories {
		if path, err := exec.LookPath(filepath.Join(directory, name)); err == nil {
			return path
		}
	}
	return name
}

const (
	// defaultSpares cost HAProxy 2 MiB and next to no time; 1,000 of them 10 MiB
	// and 40 ms of each start.
	defaultSpares = 200
	maxSpares     = 10_000
	// streamSpares are those for streams, which are fewer.
	streamSpares = 50
)

// maxSocketPath leaves room for the suffix that HAProxy adds while it binds.
const maxSocketPath = 90

func (o *Options) socketDefaults() {
	if o.Mode == External {
		if o.MasterSocket == "" {
			o.MasterSocket = "/run/haproxy-master.sock"
		}
		return
	}
	if len(o.Binds) == 0 {
		o.Binds = []string{":80"}
	}
	if o.StatsSocket == "" {
		o.StatsSocket = filepath.Join(o.Dir, "stats.sock")
	}
	if o.MasterSocket == "" {
		o.MasterSocket = filepath.Join(o.Dir, "master.sock")
	}
	if o.PIDFile == "" {
		o.PIDFile = filepath.Join(o.Dir, "haproxy.pid")
	}
}
