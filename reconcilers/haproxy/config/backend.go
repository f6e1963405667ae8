package config

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// Server is one `server` line. Values are never changed once they are in a model.
type Server struct {
	Name    string // as HAProxy knows it
	ID      string // the endpoint's id; the same as Name unless that is an address
	Address string // ip:port
	Weight  int    // 0 to 256
	Drain   bool
	// Until is when the sessions of a draining server are ended, in whole seconds of
	// UTC; zero when they may go on as long as it is there.
	Until   time.Time
	Overdue bool // only ever observed: it has sessions though Until has passed
	MaxConn int  // the most requests at once; 0 for no bound
	Backup  bool // gets requests only while no other one takes any
	Maint   bool // only ever observed: out of service, to be removed or made ready again
}

// Backend is one `backend` section. A retired backend serves nobody: it is
// left in the files because the running process still has it, and is dropped
// with the next reload, or taken into service again when the same is asked for.
type Backend struct {
	Service string
	setting.Settings
	Retired bool
	// Spare is the prepared backend that stands for this one in HAProxy; "" when
	// it has one of its own name. See spares.go.
	Spare   string
	Servers []Server // sorted by name
}

// Name returns the name by which objects know the backend.
func (b *Backend) Name() string {
	if b.Service == "" {
		return b.Spare
	}
	if b.Address {
		return b.Service + addressSuffix
	}
	return b.Service
}

// addressSuffix marks the backend whose requests carry the server's address
// as Host. Service names hold no colon.
const addressSuffix = ":address"

// ServiceOf returns the service of a backend's name; "" for one that nobody has.
func ServiceOf(backend string) string {
	if strings.HasPrefix(backend, ":") {
		return ""
	}
	return strings.TrimSuffix(backend, addressSuffix)
}

// Same reports whether two backends need the same section, servers aside.
func (b *Backend) Same(o *Backend) bool {
	return b.Service == o.Service && b.Settings == o.Settings
}

// find returns the place of a server, and whether it is there.
func (b *Backend) find(name string) (int, bool) {
	return slices.BinarySearchFunc(b.Servers, name, func(s Server, name string) int { return cmp.Compare(s.Name, name) })
}

// Server returns the named server, and whether it is there.
func (b *Backend) Server(name string) (Server, bool) {
	i, there := b.find(name)
	if !there {
		return Server{}, false
	}
	return b.Servers[i], true
}

// With returns a copy of the backend in which s stands.
func (b *Backend) With(s Server) *Backend {
	next := *b
	i, there := b.find(s.Name)
	next.Servers = slices.Clone(b.Servers)
	if there {
		next.Servers[i] = s
	} else {
		next.Servers = slices.Insert(next.Servers, i, s)
	}
	return &next
}

// without returns a copy of the backend that lacks the named server.
func (b *Backend) without(name string) *Backend {
	next := *b
	if i, there := b.find(name); there {
		next.Servers = slices.Delete(slices.Clone(b.Servers), i, i+1)
	}
	return &next
}

// Place is a server with the backend that it stands in.
type Place struct {
	Backend string // without the owner's prefix
	Server  Server
}

// String returns "backend/server" as it stands in a server's key.
func (p Place) String() string { return p.Backend + "/" + p.Server.Name }
