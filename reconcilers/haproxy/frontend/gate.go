package frontend

import (
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/internal/digest"
)

// gateAddress is where the user's frontends reach ours when it has no port, and
// where a worker that was replaced reaches the one that replaced it: an
// abstract socket, which a chrooted worker reaches too.
func gateAddress(o Options) string { return "abns@lockstep-" + o.Owner + "-" + digest.Of(o.Dir) }

// noReplay keeps what may not be done twice from being sent twice.
const noReplay = "http-request disable-l7-retry if !{ method GET HEAD OPTIONS PUT DELETE TRACE }"

// renderGate writes a backend behind which our frontend stands once more, at one of
// its sockets. How long a service may take is the business of its own backend.
func renderGate(b *strings.Builder, o Options, name, socket string) {
	fmt.Fprintf(b, "backend %s from %s\n", name, Defaults(o.Owner))
	b.WriteString("  timeout server 24d\n  " + noReplay + "\n")
	renderKept(func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }, o)
	proto, port := o.unlessKept("X-Forwarded-Proto"), o.unlessKept("X-Forwarded-Port")
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Proto https if { ssl_fc }%s\n", proto)
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }%s\n", proto)
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Port %%[dst_port]%s\n", ifSo(port))
	fmt.Fprintf(b, "  server gate %s send-proxy-v2\n", socket)
}
