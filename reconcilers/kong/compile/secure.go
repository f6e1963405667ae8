package compile

import (
	v1 "github.com/lockstep/lockstep/api/v1"
)

// Kong asks a target for the Host that it sends on, and verifies its certificate
// for that name (proxy_ssl_name $upstream_host): the client's Host where the route
// preserves it, and else the target's address, which no certificate bears.

// verify is a service's tls_verify. Without TLS Kong refuses the field; over gRPC too,
// where its own configuration decides, which by default verifies nothing.
func verify(s *v1.Service) *bool {
	if s.Protocol != v1.HTTPS {
		return nil
	}
	return new(!s.TLSUnverified)
}

// unspoken says why Kong can't speak with the instances as asked; "" when it can.
func (c *compiler) unspoken(s *v1.Service) (why, fix string) {
	if s.Via.TLS {
		return c.unproven(s)
	}
	if s.Protocol == v1.GRPCS && !s.TLSUnverified {
		return "Kong can't verify the certificates of containers that speak gRPC", "write tls_verify=false where that is acceptable, or " + c.elsewhere()
	}
	return "", ""
}

// unroutable says why Kong can't take a route to instances that speak as they do; ""
// when it can.
func unroutable(s *v1.Service, r *v1.Route) (why, fix string) {
	switch {
	case s.Protocol == v1.HTTPS && !s.TLSUnverified && !r.PreserveHost:
		return "with preserve_host=false there is no name for which Kong could verify the container's certificate",
			"leave preserve_host out, or write tls_verify=false where that is acceptable"
	case s.Protocol.RPC() && r.StripPath:
		return "Kong can't strip the path of a gRPC call, which names the method", "leave strip_path out"
	case s.Protocol.RPC() && len(r.Methods) > 0:
		return "Kong can't match gRPC by methods: every call is a POST", "leave methods out"
	case s.Protocol.RPC() && len(r.Hosts)+len(r.Paths)+len(r.Headers) == 0:
		return "Kong takes gRPC by hosts, paths or headers", "give the route one of them"
	}
	return "", ""
}

// protocols are those by which Kong's clients may come.
func protocols(s *v1.Service, r *v1.Route) []string {
	out := r.Protocols
	if len(out) == 0 {
		out = []string{"http", "https"}
	}
	if !s.Protocol.RPC() {
		return out
	}
	rpc := make([]string, len(out))
	for i, protocol := range out {
		rpc[i] = map[string]string{"http": string(v1.GRPC), "https": string(v1.GRPCS)}[protocol]
	}
	return rpc
}
