package disk

import (
	"bytes"
	"fmt"
	"strings"
)

// The files of ours. HAProxy loads every *.cfg, in the order of their names.
const (
	Config          = "lockstep.cfg" // what belongs to no service
	Native          = ShardPrefix + "native.cfg"
	Routes          = "routes.map"
	Hosts           = "hosts.map"
	Patterns        = "patterns.map"
	Certificates    = "certs.list"
	CertificatesDir = "certs" // a folder, of files that only their owner may read
	Mark            = "lockstep.owner"
	Lock            = "lockstep.lock"
)

// What the names of those begin with of which there are many.
const (
	// ShardPrefix is that of the files with services, and two digits follow. It makes them
	// sort after lockstep.cfg, whose defaults they build on.
	ShardPrefix = "lockstep_"
	// SparePrefix and StreamSparePrefix are those of the files with prepared backends;
	// three digits follow.
	SparePrefix       = ShardPrefix + "spare_"
	StreamSparePrefix = ShardPrefix + "tcp_"
	PagePrefix        = "error_" // copies of the operator's pages
	AuthorityPrefix   = "ca_"    // copies of authorities
	KeysPrefix        = "keys_"  // keys, which only their owner may read
)

// isConfig reports whether a file of our directory is part of our configuration.
func isConfig(name string) bool {
	if name == Config || name == Native {
		return true
	}
	name, config := strings.CutSuffix(name, ".cfg")
	number, shard := strings.CutPrefix(name, ShardPrefix)
	digits := 2
	for _, prefix := range []string{SparePrefix, StreamSparePrefix} {
		if spare, ok := strings.CutPrefix(name, prefix); ok {
			number, digits = spare, 3
		}
	}
	return config && shard && len(number) == digits && strings.Trim(number, "0123456789") == ""
}

// isOurs reports whether it is a file of ours that may be there half-written.
func isOurs(name string) bool {
	switch name {
	case Routes, Patterns, Hosts, Mark, Certificates:
		return true
	}
	return isConfig(name) || strings.HasPrefix(name, PagePrefix) || strings.HasPrefix(name, AuthorityPrefix) || strings.HasPrefix(name, KeysPrefix)
}

// Head begins every file of ours but those of the services.
func Head(owner string) string { return fmt.Sprintf(headFormat, owner) }

const headFormat = "# Written by Lockstep for the owner %q: changes made here are overwritten.\n"

// ShardHead begins the files of the services. These say with the name of their first
// backend for whom they were written.
const ShardHead = "# Written by Lockstep, as " + Config + " beside it: changes made here are overwritten.\n"

// writtenFor returns the owner for whom a file says that it was written, and whether it
// says so.
func writtenFor(text []byte) (owner string, written bool) {
	first, _, _ := strings.Cut(string(text), "\n")
	line := first + "\n"
	if _, err := fmt.Sscanf(line, headFormat, &owner); err == nil {
		return owner, Head(owner) == line
	}
	rest, ours := bytes.CutPrefix(text, []byte(ShardHead))
	first, _, _ = strings.Cut(string(rest), "\n")
	name, backend := strings.CutPrefix(first, "backend ")
	owner, _, named := strings.Cut(name, ":")
	return owner, ours && backend && named
}
