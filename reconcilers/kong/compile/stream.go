package compile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Connections that are passed on as they are reach Kong at the ports of its stream_listen,
// which are fixed when it starts: a route makes Kong listen nowhere. So one for a port that
// Kong does not name would take nothing, and is not made.

// Stream is one port at which Kong takes connections (stream_listen), as it says itself.
type Stream struct {
	Port int  `json:"port"`
	TLS  bool `json:"ssl"`
	UDP  bool `json:"udp"`
}

// Streams reads what Kong says of its ports (stream_listeners), but for those of UDP. An empty
// list may come as an object, and what else is no list means none.
func Streams(text json.RawMessage) []Stream {
	var all []Stream
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(s Stream) bool { return s.UDP || s.Port <= 0 })
}

// unstreamable says why Kong takes no connections for a route; "" when it does.
func (c *compiler) unstreamable(s *v1.Service, r *v1.Route) (why, fix string) {
	if !r.Fits(s.Protocol) {
		return fmt.Sprintf("the route %s does not fit the protocol %s of its service", r.Name, s.Protocol), "match by listen where the protocol is tcp, by snis where it is tls_passthrough"
	}
	if len(s.Plugins)+len(r.Plugins) > 0 {
		return "Kong runs plugins that labels ask for on requests, and these are connections", "leave the plugins out"
	}
	if c.Catalog == nil {
		if c.Offline { // nobody knows its ports
			return "", ""
		}
		return "Kong was not asked yet for the ports of its stream_listen", "wait until it answers"
	}
	remedy := "; Kong listens anew only when it is started anew. Or " + c.elsewhere()
	if s.Protocol == v1.TLSPassthrough {
		if !slices.ContainsFunc(c.Streams, func(l Stream) bool { return l.TLS }) {
			return "Kong passes TLS on at ports of its stream_listen with the word ssl, and reports " + ports(c.Streams, true), "add one there, as 0.0.0.0:9443 ssl" + remedy
		}
		return "", ""
	}
	for _, port := range r.Listen {
		if !slices.Contains(c.Streams, Stream{Port: port}) {
			return fmt.Sprintf("Kong takes connections at the ports of its stream_listen alone, and reports %s, not %d", ports(c.Streams, false), port),
				fmt.Sprintf("add 0.0.0.0:%d there%s", port, remedy)
		}
	}
	return "", ""
}

// ports names those that Kong reports, with TLS or without it.
func ports(all []Stream, secure bool) string {
	var out []string
	for _, l := range all {
		if l.TLS == secure {
			out = append(out, strconv.Itoa(l.Port))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// passesOn makes a service and a route of requests to those of connections. Kong counts as
// idle what neither side says anything on, for as long as HAProxy would wait.
func passesOn(s *v1.Service, made *gokong.Service) {
	if s.Protocol.Stream() {
		idle := milliseconds(v1.DefaultTunnelTimeout)
		made.Protocol, made.ReadTimeout, made.WriteTimeout = new(string(v1.TCP)), idle, idle
	}
}

// taken adds to a route which connections it takes.
func taken(r *v1.Route, made *gokong.Route) {
	if !r.Stream() {
		return
	}
	made.Protocols, made.SNIs = gokong.StringSlice(string(v1.TCP)), gokong.StringSlice(r.SNIs...)
	if len(r.SNIs) > 0 {
		made.Protocols = gokong.StringSlice(string(v1.TLSPassthrough))
	}
	for _, port := range r.Listen {
		made.Destinations = append(made.Destinations, &gokong.CIDRPort{Port: &port})
	}
}
