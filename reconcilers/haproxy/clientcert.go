package haproxy

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lockstep/lockstep/internal/pemfile"
)

// clientPaths makes the paths absolute of what clients' certificates are verified by.
func (o *Options) clientPaths() error {
	switch {
	case o.ClientCA == "" && o.ClientCRL == "":
		return nil
	case o.ClientCA == "":
		return errors.New("a list of revoked certificates of clients is named and no authority is; name that with --haproxy-client-ca")
	case len(o.TLSBinds) == 0:
		return errors.New("an authority for clients is named and no listener for TLS is; open one with --haproxy-bind-tls")
	}
	for _, path := range []*string{&o.ClientCA, &o.ClientCRL} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("authority for clients %s: %w", *path, err)
		}
		*path = absolute
	}
	return nil
}

// clientFiles are the files that clients' certificates are verified by, and what
// kind of PEM they hold.
func (o *Options) clientFiles() map[string]string {
	files := map[string]string{}
	if o.ClientCA != "" {
		files[o.ClientCA] = pemfile.Certificate
	}
	if o.ClientCRL != "" {
		files[o.ClientCRL] = pemfile.Revoked
	}
	return files
}
