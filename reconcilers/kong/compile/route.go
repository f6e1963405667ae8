package compile

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// route adds a route with its plugins. Without one of them, or of its service's,
// it would be more open than asked, so then it is left out with them.
func (c *compiler) route(s *v1.Service, r v1.Route, shared []v1.Key, failed failure) {
	if s.Protocol.Stream() || r.Stream() {
		if why, fix := c.unstreamable(s, &r); why != "" {
			c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin, why, fix)
			return
		}
	} else if len(r.Hosts)+len(r.Paths)+len(r.Methods)+len(r.Headers) == 0 {
		c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin,
			fmt.Sprintf("the route %s matches on nothing, which Kong does not take", r.Name), "give it hosts, paths, methods or headers")
		return
	}
	why, fix := unroutable(s, &r)
	if why == "" {
		why, fix = c.unnamed(s, &r)
	}
	if why != "" {
		c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin, why, fix)
		return
	}
	needs, own := c.plugins(v1.KindRoute, r.Name, s, r.Plugins)
	c.blame(append(slices.Clone(failed.problems), own.problems...), v1.Key{Kind: v1.KindRoute, Name: r.Name})
	if failed.whole || own.whole {
		for _, p := range r.Plugins {
			delete(c.state, v1.Key{Kind: v1.KindPlugin, Name: entity.PluginKey(v1.KindRoute, r.Name, p.Name)})
		}
		return
	}
	name, protocols := c.Names.Name(r.Name), protocols(s, &r)
	made := gokong.Route{
		Name: &name, Protocols: gokong.StringSlice(protocols...), HTTPSRedirectStatusCode: new(cmp.Or(r.HTTPSRedirectStatusCode, 426)),
		Hosts: gokong.StringSlice(r.Hosts...), Paths: gokong.StringSlice(r.Paths...), Methods: gokong.StringSlice(r.Methods...),
		Headers: headers(r), StripPath: &r.StripPath, PreserveHost: &r.PreserveHost, RegexPriority: new(0),
		Service: &gokong.Service{ID: new(c.Names.ID(v1.KindService, s.Name))},
		Tags:    gokong.StringSlice(c.Names.Tags(entity.TagService+s.Name, entity.TagRoute+r.Name)...),
	}
	taken(&r, &made)
	o := c.add(v1.KindRoute, r.Name, s.Name, r.Origin, made)
	if o == nil {
		return
	}
	if rec, ok := o.Native.(*entity.Record); ok {
		rec.Needs = append(slices.Clone(shared), needs...)
	}
}

// headers are those that a route matches by. A cookie is a part of one: Kong takes a
// value that begins with "~*" for a regular expression, and compares in lower case.
func headers(r v1.Route) map[string][]string {
	if len(r.Cookies) == 0 {
		return r.Headers
	}
	out := maps.Clone(r.Headers)
	if out == nil {
		out = map[string][]string{}
	}
	for name, values := range r.Cookies {
		value := "[^;]*"
		if len(values) > 0 {
			quoted := make([]string, len(values))
			for i, v := range values {
				quoted[i] = regexp.QuoteMeta(v)
			}
			value = "(?:" + strings.Join(quoted, "|") + ")"
		}
		out["cookie"] = []string{"~*(?:^|; ?)" + regexp.QuoteMeta(name) + "=" + value + "(?:;|$)"}
	}
	return out
}
