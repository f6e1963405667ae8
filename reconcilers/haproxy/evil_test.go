package haproxy

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// evils would each carry a directive or a command further if they got through.
func evils() []string {
	return []string{
		"x\n  server evil 127.0.0.9:9", "x;shutdown frontend lockstep::http", "x y", "x\ty", "x\r", "x\x00y", `x"y`, "x'y", `x\y`, "x#y", "x`y",
		"x\u00a0y", "x\u2028y", "é", "${HOME}", "%[env(HOME)]", "x|lockstep::hold|0|0", "<<", "x\n\nshutdown sessions", "@1 quit", "", strings.Repeat("a", 5000),
	}
}

// innocent is a service of which every part that a stranger can fill is filled.
func innocent() *v1.Service {
	return &v1.Service{
		Name: "shop",
		Routes: []v1.Route{{
			Name: "shop.default", Hosts: []string{"shop.test"}, Paths: []string{"/"}, Methods: []string{"GET"},
			Headers: map[string][]string{"X-V": {"1"}}, PreserveHost: true,
		}},
		Endpoints: []v1.Endpoint{{ID: "e", Instance: "e", Address: netip.MustParseAddrPort("127.0.0.9:9"), Weight: 100}},
	}
}

// evilSets put an evil text, or a number beyond all bounds, into each part of a
// service: all that labels, manifests and whatever else comes can fill.
func evilSets(tb testing.TB, evil string) map[string]*v1.Service {
	tb.Helper()
	sets := map[string]*v1.Service{}
	// Which part, by its place among all: a part is filled in a fresh service each time.
	for n := 0; ; n++ {
		s, left, name := innocent(), n, ""
		corrupt(reflect.ValueOf(s).Elem(), "service", func(part string, fill func(string)) {
			if left == 0 {
				name = part
				fill(evil)
			}
			left--
		})
		if name == "" {
			break
		}
		if !strings.HasPrefix(name, number) || slices.Contains(evils()[:3], evil) { // there are three bounds
			sets[name] = s
		}
	}
	put := func(field string, change func(*v1.Service)) {
		s := innocent()
		change(s)
		sets[field] = s
	}
	put("wildcard host", func(s *v1.Service) { s.Routes[0].Hosts = []string{"*." + evil} })
	put("path", func(s *v1.Service) { s.Routes[0].Paths = []string{"/" + evil} })
	put("path alone", func(s *v1.Service) {
		s.Routes[0] = v1.Route{Name: "shop.default", Hosts: []string{"shop.test"}, Paths: []string{"/" + evil}}
	})
	put("host alone", func(s *v1.Service) {
		s.Routes[0] = v1.Route{Name: "shop.default", Hosts: []string{evil}, PreserveHost: true}
	})
	put("regex", func(s *v1.Service) { s.Routes[0].Paths = []string{"~/" + evil} })
	put("quoted regex", func(s *v1.Service) { s.Routes[0].Paths = []string{`~/\Q` + evil + `\E`} })
	put("hashed header", func(s *v1.Service) { s.Balance = "header:" + evil })
	put("check path", func(s *v1.Service) { s.Check, s.CheckPath = v1.CheckHTTP, evil })
	put("check host", func(s *v1.Service) { s.Check, s.CheckHost = v1.CheckHTTP, evil })
	put("sni", func(s *v1.Service) {
		s.Protocol, s.Routes[0] = v1.TLSPassthrough, v1.Route{Name: "shop.default", SNIs: []string{evil}}
	})
	put("check host over TLS", func(s *v1.Service) {
		s.Protocol, s.Routes[0] = v1.TLSPassthrough, v1.Route{Name: "shop.default", SNIs: []string{"shop.test"}}
		s.Check, s.CheckHost = v1.CheckHTTP, evil
	})
	put("check send", func(s *v1.Service) { s.Check, s.CheckSend, s.CheckExpect = v1.CheckTCP, evil, "x" })
	put("check expect", func(s *v1.Service) { s.Check, s.CheckExpect = v1.CheckTCP, evil })
	put("check status", func(s *v1.Service) { s.Check, s.CheckStatus = v1.CheckHTTP, []string{evil} })
	put("server name", func(s *v1.Service) { s.Protocol, s.TLSServerName = v1.HTTPS, evil })
	put("server name in a check", func(s *v1.Service) { s.Protocol, s.Check, s.CheckHost = v1.HTTPS, v1.CheckTCP, evil })
	put("authority", func(s *v1.Service) { s.Protocol, s.TLSAuthority = v1.HTTPS, evil })
	put("zone", func(s *v1.Service) {
		s.Endpoints[0].Address = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(evil), 9)
	})
	return sets
}

// number begins the names of parts that are numbers.
const number = "number "

// corrupt calls visit for every text, list, map and number below v, with what
// fills it. A number takes a bound that follows from the text.
func corrupt(v reflect.Value, name string, visit func(part string, fill func(string))) {
	switch v.Kind() {
	case reflect.String:
		visit(name, v.SetString)
	case reflect.Int, reflect.Int64:
		visit(number+name, func(evil string) {
			v.SetInt([]int64{math.MinInt64, math.MaxInt64, -1}[max(0, slices.Index(evils()[:3], evil))])
		})
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				corrupt(v.Field(i), name+"."+v.Type().Field(i).Name, visit)
			}
		}
	case reflect.Pointer:
		if v.IsNil() && v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if !v.IsNil() {
			corrupt(v.Elem(), name, visit)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			visit(name, func(evil string) { v.SetBytes([]byte(evil)) })
			return
		}
		if v.Len() == 0 {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		corrupt(v.Index(0), name+"[]", visit)
	case reflect.Map:
		corruptMap(v, name, visit)
	}
}

// corruptMap fills a key, and what a key leads to.
func corruptMap(v reflect.Value, name string, visit func(part string, fill func(string))) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	if v.Type().Key().Kind() != reflect.String {
		return
	}
	visit(name+" key", func(evil string) {
		value := reflect.New(v.Type().Elem()).Elem()
		for _, have := range v.MapKeys() {
			value = v.MapIndex(have)
		}
		v.SetMapIndex(reflect.ValueOf(evil).Convert(v.Type().Key()), value)
	})
	key := reflect.ValueOf("X-V").Convert(v.Type().Key())
	value := reflect.New(v.Type().Elem()).Elem()
	corrupt(value, name+" value", func(part string, fill func(string)) {
		visit(part, func(evil string) { fill(evil); v.SetMapIndex(key, value) })
	})
}
