package kong

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/testca"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestSecuredServicesAreTaken: Kong's own rules take what is made of services that
// speak TLS or gRPC, it is found again as it was written, and it changes both ways.
func TestSecuredServicesAreTaken(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		for _, protocol := range []v1.Protocol{v1.HTTPS, v1.GRPC, v1.HTTP, v1.GRPCS, v1.HTTPS} {
			s := service("web", 1)
			s.Protocol, s.TLSUnverified = protocol, protocol == v1.GRPCS
			if !protocol.RPC() {
				s.Check, s.CheckPassive = v1.CheckHTTP, 3
			}
			settled(t, r, setOf(s))
			writes := k.Writes()
			settled(t, open(t, o), setOf(s))
			if k.Writes() != writes {
				t.Errorf("%v: %s is written again though nothing changed", mode, protocol)
			}
		}
	})
}

// TestUnverifiableIsNotServed: where Kong can't verify a container, it does not send it
// anything.
func TestUnverifiableIsNotServed(t *testing.T) {
	r := open(t, options(nobody(t)))
	for name, change := range map[string]func(*v1.Service){
		"gRPC": func(s *v1.Service) { s.Protocol = v1.GRPCS },
		"address": func(s *v1.Service) {
			s.Protocol = v1.HTTPS
			s.Routes[0].PreserveHost = false
		},
	} {
		s := service("web", 1)
		change(s)
		state, problems := r.Compile(reconcilers.Scope{Services: []string{"web"}}, setOf(s), v1.Shared{})
		if len(problems) != 1 || problems[0].Reason != v1.NotExpressible || problems[0].Fix == "" {
			t.Errorf("%s: problems are %v", name, problems)
		}
		for key := range state {
			if key.Kind == v1.KindRoute {
				t.Errorf("%s: the route %s is served", name, key)
			}
		}
	}
}

// issuer writes a new authority's certificate to a file, and returns it.
func issuer(t *testing.T, path string) string {
	t.Helper()
	return certificate(t, path, time.Hour, true)
}

// certificate does the same for one that ends after a while, of an authority or of none.
func certificate(t *testing.T, path string, lasts time.Duration, authority bool) string {
	t.Helper()
	text, _ := testca.SelfSigned(t, x509.Certificate{
		Subject: pkix.Name{CommonName: filepath.Base(path)}, IsCA: authority, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(lasts), KeyUsage: x509.KeyUsageCertSign,
	})
	if err := os.WriteFile(path, []byte("of the operator\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAuthoritiesAreEntities: what must have issued the containers' certificates is an
// entity that services name; it is renewed with its file, and goes with its flag.
func TestAuthoritiesAreEntities(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		dir := t.TempDir()
		all, own := filepath.Join(dir, "all.pem"), filepath.Join(dir, "own.pem")
		issuer(t, all)
		issuer(t, own)
		o.Authorities = []string{all, "own=" + own, "again=" + own}
		r := open(t, o)
		set := v1.Set{}
		for name, authority := range map[string]string{"any": "", "named": "own", "same": "again", "blind": "own", "plain": ""} {
			s := service(name, byte(len(set)+1))
			s.Protocol, s.TLSAuthority = v1.HTTPS, authority
			s.TLSUnverified = name == "blind"
			if name == "plain" {
				s.Protocol = v1.HTTP
			}
			set[name] = s
		}
		holds := func(when string, entities int) string {
			t.Helper()
			settled(t, r, set)
			world := k.World("tags")
			if n := strings.Count(world, "ca_certificate "); n != entities {
				t.Errorf("%v, %s: %d authorities, want %d:\n%s", mode, when, n, entities, world)
			}
			if p := settled(t, r, set); !p.Empty() {
				t.Errorf("%v, %s: not quiet: %v", mode, when, p.Changes)
			}
			return world
		}
		before := holds("at first", 2)
		for name, want := range map[string]int{"any": 1, "named": 1, "same": 1, "blind": 0, "plain": 0} {
			ids := believed(t, r, set, name)
			if len(ids) != want || want == 1 && !strings.Contains(before, ids[0]) {
				t.Errorf("%v: %s names %v, want %d", mode, name, ids, want)
			}
		}
		issuer(t, own)
		if holds("after one was renewed", 2) == before {
			t.Errorf("%v: a renewed authority changes nothing", mode)
		}
		if err := os.WriteFile(own, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		holds("while one can't be read", 2)
		set["named"].TLSAuthority = "agaim"
		if _, problems := r.Compile(reconcilers.Scope{}, set, v1.Shared{}); len(problems) != 1 || problems[0].Fix != "did you mean tls_ca=again?" {
			t.Errorf("%v: said is %v", mode, problems)
		}
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), own) {
			t.Errorf("%v: a file without certificates is taken at the start: %v", mode, err)
		}
		o.Authorities = nil
		r = open(t, o)
		for _, s := range set {
			s.TLSAuthority = ""
		}
		holds("without any", 0)
	})
}

// believed are the ids of those whom a service believes that they issued its certificates.
func believed(t *testing.T, r *Reconciler, set v1.Set, name string) (ids []string) {
	t.Helper()
	state, problems := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
	o := state[v1.Key{Kind: v1.KindService, Name: name}]
	if o == nil || len(problems) > 0 {
		t.Fatalf("there is no service %s: %v", name, problems)
	}
	rec, ok := o.Native.(*entity.Record)
	if !ok {
		t.Fatalf("%s has no record", o.Key)
	}
	list, _ := rec.Body["ca_certificates"].([]any)
	for _, id := range list {
		ids = append(ids, fmt.Sprint(id))
	}
	return ids
}

// TestAuthoritiesThatKongRefuses: a service names none that Kong does not take, for then
// it would believe nobody; where no other is there Kong says why.
func TestAuthoritiesThatKongRefuses(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "all.pem")
		ended, none := certificate(t, path, -time.Hour, true), certificate(t, path, time.Hour, false)
		o.Authorities = []string{path}
		s := service("a", 1)
		s.Protocol = v1.HTTPS
		if err := os.WriteFile(path, []byte(ended+issuer(t, path)+none), 0o600); err != nil {
			t.Fatal(err)
		}
		r := open(t, o)
		settled(t, r, setOf(s))
		world := k.World("tags")
		if ids := believed(t, r, setOf(s), s.Name); len(ids) != 1 || strings.Count(world, "ca_certificate ") != 1 || !strings.Contains(world, ids[0]) {
			t.Errorf("%v: it names %d authorities in\n%s", mode, len(ids), world)
		}
		if err := os.WriteFile(path, []byte(ended), 0o600); err != nil {
			t.Fatal(err)
		}
		observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
		if err != nil {
			t.Fatal(err)
		}
		desired, _ := r.Compile(reconcilers.Scope{}, setOf(s), v1.Shared{})
		outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
		if p := first(outcomes); err != nil || p == nil || !strings.Contains(p.Message, "Not After") {
			t.Errorf("%v: with nothing else the problem is %v, %v", mode, p, err)
		}
	})
}

// TestAuthorityInUse: one that a stranger's service names stays until that names it no more.
func TestAuthorityInUse(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	path := filepath.Join(t.TempDir(), "all.pem")
	issuer(t, path)
	o.Authorities = []string{path}
	r := open(t, o)
	settled(t, r, v1.Set{})
	held := entity.Records(r.held[entity.DeclaredGroup], entity.RowOf(r.rows, entity.KindAuthority))
	if len(held) != 1 {
		t.Fatalf("%d authorities are held", len(held))
	}
	id := held[0].ID
	must(t, "PUT", k.AdminURL+"/services/theirs", `{"host": "h", "protocol": "https", "ca_certificates": ["`+id+`"]}`)
	o.Authorities = nil
	r = open(t, o)
	for range 2 {
		_, outcomes, err := round(t.Context(), r, v1.Set{})
		if p := first(outcomes); err != nil || p == nil || p.Reason != v1.Conflict || !strings.Contains(p.Message, "services") {
			t.Errorf("the problem is %v, %v", p, err)
		}
	}
	must(t, "DELETE", k.AdminURL+"/services/theirs", "")
	if settled(t, r, v1.Set{}); strings.Contains(k.World(), "ca_certificate ") {
		t.Errorf("it is still there:\n%s", k.World())
	}
}

// TestRenewedAuthorityIsNoticed: the watcher asks for a round when a file is another
// one, and for none once that round has read it.
func TestRenewedAuthorityIsNoticed(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	path := filepath.Join(t.TempDir(), "ca.pem")
	issuer(t, path)
	o.Authorities = []string{path}
	r := open(t, o)
	settled(t, r, v1.Set{})
	pokes, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- r.Watch(t.Context(), func() {
			select {
			case pokes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		if err := <-ended; err == nil {
			t.Error("the watcher ended without a cause")
		}
	})
	quiet := func(when string) {
		t.Helper()
		looks := len(k.Requests())
		wait(t, "a look that began after the round", func() bool { return len(k.Requests()) >= looks+2 })
		select {
		case <-pokes: // from one before
		default:
		}
		looks = len(k.Requests())
		wait(t, "three looks", func() bool { return len(k.Requests()) >= looks+3 })
		select {
		case <-pokes:
			t.Errorf("poked %s", when)
		default:
		}
	}
	quiet("before anything changed")
	issuer(t, path)
	select {
	case <-pokes:
	case <-time.After(time.Minute):
		t.Fatal("a renewed authority is not noticed")
	}
	settled(t, r, v1.Set{})
	quiet("after it was read")
}
