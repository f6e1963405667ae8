package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Local answers only requests that were sent to an address, to localhost or to
// one of the names. It is for a handler on a loopback address: a page in a
// browser on the same machine may make its own name point there and read what it
// likes (DNS rebinding), but it can't choose the Host that goes along.
func Local(next http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r); !isLocal(host) && !slices.Contains(names, host) {
			refuse(w, http.StatusMisdirectedRequest, fmt.Errorf("the name %q is not ours; ask by address, or let --listen name it", host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf returns the request's Host without its port, in lower case.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	return strings.ToLower(host)
}

func isLocal(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "" || host == "localhost"
}
