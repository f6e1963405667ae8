package haproxy

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// nameTrouble says why names can't be passed on; its reason is "" when they can.
func (o *Options) nameTrouble(names []string) (reason v1.Reason, why, fix string) {
	if len(names) > 0 && !o.TLSPassthrough {
		return v1.PolicyDenied, "the operator has not allowed TLS to be passed on by name",
			"start Lockstep with --haproxy-tls-passthrough and --haproxy-bind-tls"
	}
	for _, name := range names {
		if err := charset.SNI.Check(name); err != nil {
			return v1.NotExpressible, err.Error(), "change the name"
		}
		suffix, wild := strings.CutPrefix(name, "*.")
		switch {
		case suffix == "" || strings.Contains(suffix, "*"):
			return v1.NotExpressible, fmt.Sprintf("name %q has a star where HAProxy knows none", name), "let one * stand for the leftmost part: *.example.com"
		case wild && strings.Count(suffix, ".") >= routemap.MaxSuffixLabels:
			return v1.NotExpressible, fmt.Sprintf("%q has more than %d parts after the star", name, routemap.MaxSuffixLabels), "name the hosts one by one"
		}
	}
	return "", "", ""
}
