package docker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestAttachments places one gateway in many ways. The Engine runs kong-1 on
// the networks edge and shop, publishing 8001; the daemon's container, where it
// has one, is on the network edge.
func TestAttachments(t *testing.T) {
	on := func(networks ...string) snapshot.Attachment { return snapshot.Attachment{Networks: networks} }
	hostOnly := snapshot.Attachment{OnHost: true}
	tests := []struct {
		name     string
		locator  Locator
		inside   string // network mode of the daemon's container; "" for none
		resolves string // address that every name resolves to
		remote   bool   // the Engine is on another machine
		want     snapshot.Attachment
		why      string
	}{
		{name: "by flag", locator: Locator{Networks: []string{"b", "a"}, URL: "http://kong-1:8001", Flag: "--kong-network"}, want: on("b", "a"), why: "--kong-network"},
		{name: "by flag on the host", locator: Locator{Networks: []string{"host"}, Flag: "--kong-network"}, want: hostOnly, why: "--kong-network"},
		{name: "beside the daemon on the host", locator: Locator{Local: true}, want: hostOnly, why: "runs on the Docker host"},
		{name: "beside the daemon in a container", locator: Locator{Local: true}, inside: "edge", want: on("edge"), why: "shares the daemon's container lockstep"},
		{name: "beside the daemon in a container on the host's network", locator: Locator{Local: true}, inside: "host", want: hostOnly, why: "shares the daemon's container lockstep"},
		{name: "beside the daemon, the Engine elsewhere", locator: Locator{Local: true, Flag: "--haproxy-network"}, remote: true, want: on(), why: "the Docker daemon is on another host; set --haproxy-network"},
		{name: "by a published port on loopback", locator: Locator{URL: "http://127.0.0.1:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a published port on localhost", locator: Locator{URL: "http://localhost:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a published port on an address of this host", locator: Locator{URL: "http://192.0.2.7:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a port of the host that no container publishes", locator: Locator{URL: "http://localhost:9999"}, want: hostOnly, why: "localhost is the Docker host"},
		{name: "by a container's address", locator: Locator{URL: "http://KONGADDR:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a name that resolves to a container's address", locator: Locator{URL: "http://gateway:8001"}, inside: "edge", resolves: "KONGADDR", want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a container's name", locator: Locator{URL: "http://kong-1:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a Compose service", locator: Locator{URL: "http://kong:8001"}, want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "by a name that is only like a container's", locator: Locator{URL: "http://ong-1:8001", Flag: "--kong-network"}, want: on(), why: `"ong-1" is neither a host nor a container that runs; set --kong-network`},
		{name: "by a remote address", locator: Locator{URL: "http://kong.example.com:8001", Flag: "--kong-network"}, resolves: "203.0.113.9", want: on(), why: "203.0.113.9 belongs to no container here; set --kong-network"},
		{name: "loopback inside the daemon's container", locator: Locator{URL: "http://127.0.0.1:8001"}, inside: "edge", want: on("edge"), why: "shares the daemon's container lockstep"},
		{name: "loopback, the daemon's container on the host's network", locator: Locator{URL: "http://127.0.0.1:8001"}, inside: "host", want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "a network's gateway is the host", locator: Locator{URL: "http://host.docker.internal:8001"}, inside: "edge", resolves: "EDGEGATEWAY", want: on("edge", "shop"), why: "runs in container kong-1"},
		{name: "loopback, the Engine elsewhere", locator: Locator{URL: "http://localhost:8001", Flag: "--kong-network"}, remote: true, want: on(), why: "127.0.0.1 belongs to no container here; set --kong-network"},
		{name: "nothing is known", locator: Locator{Flag: "--kong-network"}, want: on(), why: "nothing says where it runs; set --kong-network"},
		{name: "no host in the URL", locator: Locator{URL: "/etc/kong", Flag: "--kong-network"}, want: on(), why: "its URL names no host; set --kong-network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, host := fake(t)
			e.AddNetwork(fakedocker.Network{Name: "edge"})
			e.AddNetwork(fakedocker.Network{Name: "shop"})
			kong := e.Run(fakedocker.Spec{
				Name: "kong-1", Network: "edge", More: []string{"shop"}, Labels: map[string]string{composeService: "kong"},
				Expose: []string{"8001"}, Publish: map[string]string{"8001/tcp": "0.0.0.0:8001"},
			})
			named := strings.NewReplacer("KONGADDR", e.Address(kong, "shop"), "EDGEGATEWAY", e.Gateway("edge"))
			view := onHost
			view.interfaces = func() ([]net.Addr, error) {
				return []net.Addr{&net.IPNet{IP: net.IPv4(192, 0, 2, 7), Mask: net.CIDRMask(24, 32)}}, nil
			}
			if tt.inside != "" {
				own := e.Run(fakedocker.Spec{Name: "lockstep", Network: tt.inside})
				view.hostname = func() (string, error) { return own[:12], nil }
			}
			if tt.resolves != "" {
				a := netip.MustParseAddr(named.Replace(tt.resolves))
				view.lookup = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{a}, nil }
			}
			tt.locator.URL = named.Replace(tt.locator.URL)
			s, err := New(Options{Host: host, Gateways: map[v1.Gateway]Locator{v1.Kong: tt.locator}, host: view})
			if err != nil {
				t.Fatal(err)
			}
			if tt.remote {
				s.conn.local, s.conn.address = false, "192.0.2.200"
			}
			nets, err := s.networks.list(t.Context(), s.conn.engine)
			if err != nil {
				t.Fatal(err)
			}
			e.ResetRequests()
			l, err := s.locate(t.Context(), nets, nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Why = tt.why
			if diff := gocmp.Diff(tt.want, l.attachments[v1.Kong], instances); diff != "" {
				t.Error("-want +got\n" + diff)
			}
			calls := 0
			for _, n := range e.Requests() {
				calls += n
			}
			if calls > 4 {
				t.Errorf("%d requests: %v", calls, e.Requests())
			}
		})
	}
}

// TestAttachmentsMove lets Kong's container come, change its networks, restart
// and be replaced while the daemon runs.
func TestAttachmentsMove(t *testing.T) {
	e, host := fake(t)
	e.AddNetwork(fakedocker.Network{Name: "edge"})
	e.AddNetwork(fakedocker.Network{Name: "shop"})
	w := begin(t, Options{Host: host, timing: quick, Gateways: map[v1.Gateway]Locator{v1.Kong: {URL: "http://kong:8001", Flag: "--kong-network"}}})
	w.loaded()
	if a := w.attach[v1.Kong]; len(a.Networks) > 0 || a.OnHost {
		t.Fatalf("attachment without Kong: %+v", a)
	}
	w.eventually("subscribed", func() bool { return e.Streams() == 1 })
	on := func(networks ...string) func() bool {
		return func() bool { return gocmp.Equal(w.attach[v1.Kong].Networks, networks) }
	}
	e.Run(fakedocker.Spec{Name: "kong", Network: "edge"})
	w.until("Kong is found", on("edge"))
	e.Connect("kong", "shop")
	w.until("Kong is connected", on("edge", "shop"))
	e.Disconnect("kong", "edge")
	w.until("Kong is disconnected", on("shop"))
	told := len(w.deltas)
	e.Restart("kong")
	e.Remove("kong")
	e.Run(fakedocker.Spec{Name: "kong", Network: "edge"})
	w.until("Kong is replaced", on("edge"))
	for _, d := range w.deltas[told:] {
		if d.Attachments != nil && len(d.Attachments[v1.Kong].Networks) == 0 {
			t.Errorf("while Kong restarted it was nowhere: %+v", d.Attachments)
		}
	}
}

// TestAttachmentsStayWhereNobodyCanSay: a resolver or a machine that gives no answer says nothing
// about where a gateway is, and what is known of it stays, for as long as that lasts.
func TestAttachmentsStayWhereNobodyCanSay(t *testing.T) {
	failed := errors.New("too many open files")
	silent := func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	tests := []struct {
		name     string
		resolves string
		inside   bool // the daemon runs in a container
		locator  Locator
		breaks   func(*hostView)
	}{
		{name: "the resolver, of one on the host", resolves: "192.0.2.7", locator: Locator{URL: "http://gateway:9999"}, breaks: func(v *hostView) { v.lookup = silent }},
		{name: "the resolver, of one in a container", resolves: "KONGADDR", locator: Locator{URL: "http://gateway:9999"}, breaks: func(v *hostView) { v.lookup = silent }},
		{name: "the machine, of its addresses", resolves: "192.0.2.7", locator: Locator{URL: "http://gateway:9999"}, breaks: func(v *hostView) {
			v.interfaces = func() ([]net.Addr, error) { return nil, failed }
		}},
		{name: "the machine, of the daemon's container", inside: true, locator: Locator{Local: true}, breaks: func(v *hostView) {
			v.mountinfo = func() ([]byte, error) { return nil, failed }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, host := fake(t)
			e.AddNetwork(fakedocker.Network{Name: "edge"})
			kong := e.Run(fakedocker.Spec{Name: "kong-1", Network: "edge"})
			view := onHost
			view.interfaces = func() ([]net.Addr, error) {
				return []net.Addr{&net.IPNet{IP: net.IPv4(192, 0, 2, 7), Mask: net.CIDRMask(24, 32)}}, nil
			}
			if tt.inside {
				own := e.Run(fakedocker.Spec{Name: "lockstep", Network: "edge"})
				view.mountinfo = func() ([]byte, error) {
					return []byte("1 2 8:1 /docker/containers/" + own + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"), nil
				}
			}
			if tt.resolves != "" {
				a := netip.MustParseAddr(strings.ReplaceAll(tt.resolves, "KONGADDR", e.Address(kong, "edge")))
				view.lookup = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{a}, nil }
			}
			// A moment is long: what is kept only for a while would be gone.
			s, err := New(Options{Host: host, Gateways: map[v1.Gateway]Locator{v1.Kong: tt.locator}, Resync: time.Nanosecond, host: view})
			if err != nil {
				t.Fatal(err)
			}
			nets, err := s.networks.list(t.Context(), s.conn.engine)
			if err != nil {
				t.Fatal(err)
			}
			before, err := s.locate(t.Context(), nets, nil)
			if err != nil {
				t.Fatal(err)
			}
			if a := before.attachments[v1.Kong]; len(a.Networks) == 0 && !a.OnHost {
				t.Fatalf("it is nowhere from the beginning: %+v", a)
			}
			tt.breaks(&s.options.host)
			for range 2 {
				after, err := s.locate(t.Context(), nets, before.pins)
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(before.attachments, after.attachments, instances); diff != "" {
					t.Error("-before +after\n" + diff)
				}
				before.pins = after.pins
			}
		})
	}
}

func TestOwnIDs(t *testing.T) {
	a, b := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	tests := []struct {
		name, hostname, mountinfo, cgroup string
		want                              []string
	}{
		{name: "on a host", hostname: "web-1", mountinfo: "612 25 0:50 / /var/lib/docker/containers/" + a + "/mounts/shm rw - tmpfs shm rw\n"},
		{name: "in a container", hostname: a[:12], mountinfo: "700 690 8:1 /var/lib/docker/containers/" + a + "/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n" +
			"701 690 8:1 /var/lib/docker/containers/" + a + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n", want: []string{a}},
		{name: "in a container with a name of its own", hostname: "lockstep", mountinfo: "701 690 8:1 /data/" + a + "/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n", want: []string{a}},
		{name: "version 1 of cgroups", hostname: "lockstep", cgroup: "12:cpuset:/docker/" + b + "\n1:name=systemd:/system.slice/docker-" + b + ".scope\n", want: []string{b}},
		{name: "hostname alone", hostname: b[:12], want: []string{b[:12]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := hostView{
				hostname:  func() (string, error) { return tt.hostname, nil },
				mountinfo: func() ([]byte, error) { return []byte(tt.mountinfo), nil },
				cgroup:    func() ([]byte, error) { return []byte(tt.cgroup), nil },
			}
			if diff := gocmp.Diff(tt.want, h.ownIDs()); diff != "" {
				t.Error("-want +got\n" + diff)
			}
		})
	}
}
