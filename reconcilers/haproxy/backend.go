package haproxy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// server is one `server` line. Values are never changed once they are in a model.
type server struct {
	name    string // as HAProxy knows it
	id      string // the endpoint's id; the same as name unless the name is an address
	address string // ip:port
	weight  int    // 0 to 256
	drain   bool
	// until is when the sessions of a draining server are ended, in whole seconds of
	// UTC; zero when they may go on as long as it is there.
	until   time.Time
	overdue bool // only ever observed: it has sessions though until has passed
	maxconn int  // the most requests at once; 0 for no bound
	backup  bool // gets requests only while no other one takes any
	maint   bool // only ever observed: out of service, to be removed or made ready again
}

// backend is one `backend` section. A retired backend serves nobody: it is
// left in the files because the running process still has it, and is dropped
// with the next reload, or taken into service again when the same is asked for.
type backend struct {
	service string
	setting.Settings
	retired bool
	// spare is the prepared backend that stands for this one in HAProxy; "" when
	// it has one of its own name. See spare.go.
	spare   string
	servers []server // sorted by name
}

// name returns the name by which objects know the backend.
func (b *backend) name() string {
	if b.service == "" {
		return b.spare
	}
	if b.Address {
		return b.service + addressSuffix
	}
	return b.service
}

// addressSuffix marks the backend whose requests carry the server's address
// as Host. Service names hold no colon.
const addressSuffix = ":address"

// same reports whether two backends need the same section, servers aside.
func (b *backend) same(o *backend) bool {
	return b.service == o.service && b.Settings == o.Settings
}

// find returns the place of a server, and whether it is there.
func (b *backend) find(name string) (int, bool) {
	return slices.BinarySearchFunc(b.servers, name, func(s server, name string) int { return cmp.Compare(s.name, name) })
}

// with returns a copy of the backend in which s stands.
func (b *backend) with(s server) *backend {
	next := *b
	i, there := b.find(s.name)
	next.servers = slices.Clone(b.servers)
	if there {
		next.servers[i] = s
	} else {
		next.servers = slices.Insert(next.servers, i, s)
	}
	return &next
}

// without returns a copy of the backend that lacks the named server.
func (b *backend) without(name string) *backend {
	next := *b
	if i, there := b.find(name); there {
		next.servers = slices.Delete(slices.Clone(b.servers), i, i+1)
	}
	return &next
}

// serviceOf returns the service of a backend's name; "" for one that nobody has.
func serviceOf(backend string) string {
	if strings.HasPrefix(backend, ":") {
		return ""
	}
	return strings.TrimSuffix(backend, addressSuffix)
}
