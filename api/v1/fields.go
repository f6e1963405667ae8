package v1

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:generate go test -run ^TestLabelsPage$ . -update

// rows is the specification of what can be asked for: labels are decoded,
// defaults filled in, mistakes explained and docs/labels.md made from it alone.
// It is never changed. A field that only some later version serves has no row.
var rows = slices.Concat(basicRows, tlsRows, balancingRows, checkRows)

// basicRows say which containers are served, where, and by which requests.
var basicRows = []Field{
	{
		Name: "enable", Scope: OfContainer, Type: Bool,
		Unset:   "`false`, or `true` with `--expose-all`",
		Kong:    Rendering{As: "the container counts"},
		HAProxy: Rendering{As: "the container counts"},
		Doc:     "Makes the container count; `false` keeps it out even with `--expose-all`, and of services whose manifests select it.",
		Example: "enable=true",
		Aliases: []string{"expose", "active"},
		set:     func(t target, v Value) { *t.enabled = v.Bool },
	},
	{
		Name: "service", Scope: OfContainer, Type: Text, Chars: keyChars, check: checkKey,
		Unset:   "`PROJECT.SERVICE` of Compose, else the Swarm service, else the container's name",
		Kong:    Rendering{As: "the service's and upstream's name"},
		HAProxy: Rendering{As: "the backend's name"},
		Doc:     "The service key: containers with the same key are copies of one service, whatever project they are in.",
		Example: "service=shop.web",
		Aliases: []string{"name", "service_name", "key"},
		set:     func(t target, v Value) { *t.key = v.Text },
	},
	{
		Name: "port", Scope: OfInstance, Type: Int, Min: 1, Max: math.MaxUint16,
		Unset:   "the only TCP port that the container exposes",
		Kong:    Rendering{As: "target's port"},
		HAProxy: Rendering{As: "`server` port"},
		Doc:     "The port that the container listens on; needed only when it exposes several, or none.",
		Example: "port=8080",
		Aliases: []string{"server_port", "container_port", "loadbalancer_port"},
		set:     func(t target, v Value) { t.instance.Port = uint16(v.Int) }, // at most Max
		get:     func(t target) Value { return Value{Int: int(t.instance.Port)} },
	},
	{
		Name: "network", Scope: OfInstance, Type: Text, Chars: networkChars, check: checkNetwork,
		Unset:   "a network that the gateway shares",
		Kong:    Rendering{As: "target's address"},
		HAProxy: Rendering{As: "`server` address"},
		Doc:     "The Docker network over which the gateways reach the container, named as `docker network ls` names it.",
		Example: "network=shop_default",
		set:     func(t target, v Value) { t.instance.Network = v.Text },
		get:     func(t target) Value { return Value{Text: t.instance.Network} },
	},
	{
		Name: "weight", Scope: OfInstance, Type: Int, Min: 0, Max: 256, Default: Value{Int: 100},
		Kong:    Rendering{As: "target's `weight`"},
		HAProxy: Rendering{As: "`server` weight"},
		Doc:     "The container's share of the traffic beside the other copies; `0` gets no new requests.",
		Example: "weight=50",
		set:     func(t target, v Value) { t.instance.Weight = v.Int },
		get:     func(t target) Value { return Value{Int: t.instance.Weight} },
	},
	{
		Name: "version", Scope: OfInstance, Type: Text, Chars: keyChars, check: checkVersion,
		Unset:   "no version, which counts as one of its own",
		Kong:    Rendering{As: "part of the target's `weight`"},
		HAProxy: Rendering{As: "part of the `server` weight"},
		Doc:     "The version that the container runs, for a [rollout](#rollouts).",
		Example: "version=v2",
		set:     func(t target, v Value) { t.instance.Version = v.Text },
		get:     func(t target) Value { return Value{Text: t.instance.Version} },
	},
	{
		Name: "rollout", Scope: OfService, Type: Shares, entry: checkVersionName,
		Unset:   "every container its own weight, whatever its version",
		Kong:    Rendering{As: "targets' `weight`"},
		HAProxy: Rendering{As: "`server` weights"},
		Doc:     "A version's share of the traffic; versions without one divide what is left.",
		Example: "rollout.v2=10%",
		Aliases: []string{"canary", "blue_green"},
		set:     func(t target, v Value) { t.service.Rollout.Shares = v.Shares },
		get:     func(t target) Value { return Value{Shares: t.service.Rollout.Shares} },
	},
	{
		Name: "drain", Scope: OfInstance, Type: Duration, Default: Value{Duration: 5 * time.Minute},
		Kong:    Rendering{As: "target's `weight` 0; Kong itself ends no session"},
		HAProxy: Rendering{As: "`shutdown sessions server` after it"},
		Doc:     "How long requests, downloads and WebSockets that are under way may go on once the container drains, by a stop signal or `lockstep drain`; then HAProxy ends them.",
		Example: "drain=1h",
		Aliases: []string{"drain_timeout", "grace_timeout", "deregistration_delay"},
		set:     func(t target, v Value) { t.instance.Drain = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.instance.Drain} },
	},
	{
		Name: "rollout_header", Scope: OfService, Type: Text, Protocols: ofRequests, Chars: nameChars, check: checkPickHeader,
		Unset:   "no header picks a version",
		Kong:    Rendering{As: "a service and routes for each version"},
		HAProxy: Rendering{As: "a backend and patterns for each version"},
		Doc:     "The request header that picks a version by its value, whatever the shares.",
		Example: "rollout_header=X-Version",
		Aliases: []string{"canary_header"},
		set:     func(t target, v Value) { t.service.Rollout.Header = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.Rollout.Header} },
	},
	{
		Name: "rollout_cookie", Scope: OfService, Type: Text, Protocols: ofRequests, Chars: nameChars, check: checkPickCookie,
		Unset:   "no cookie picks a version",
		Kong:    Rendering{As: "a service and routes for each version"},
		HAProxy: Rendering{As: "a backend and patterns for each version"},
		Doc:     "The cookie that picks a version by its value, whatever the shares; the header goes before it.",
		Example: "rollout_cookie=version",
		Aliases: []string{"canary_cookie"},
		set:     func(t target, v Value) { t.service.Rollout.Cookie = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.Rollout.Cookie} },
	},
	{
		Name: "gateways", Scope: OfService, Type: List, Words: wayWords,
		Chars: wayChars, check: checkWay, whole: checkWays,
		Unset:   "those of `--gateways`, by default every configured gateway on its own, or a chain [before a Kong without a database](#ways-in)",
		Kong:    Rendering{As: "served, or left out"},
		HAProxy: Rendering{As: "served, or left out"},
		Doc:     "The [ways in](#ways-in): `kong` and `haproxy` on their own, or one behind the other.",
		Example: "gateways=kong",
		Aliases: []string{"entrypoints", "proxy", "proxies"},
		set: func(t target, v Value) {
			t.service.Gateways = nil
			for _, name := range v.List {
				t.service.Gateways = append(t.service.Gateways, Way(name))
			}
		},
		get: func(t target) Value {
			var names []string
			for _, way := range t.service.Gateways {
				names = append(names, string(way))
			}
			return Value{List: names}
		},
	},
	{
		Name: "protocol", Scope: OfService, Type: Text, Words: []string{HTTP.String(), string(HTTPS), string(GRPC), string(GRPCS), string(TCP), string(TLSPassthrough)},
		Chars: optionChars, check: checkOption, Default: Value{Text: HTTP.String()},
		Kong:    Rendering{As: "service's `protocol`, route's `protocols`"},
		HAProxy: Rendering{As: "`mode`, `ssl`, `alpn` and `proto` of each `server`"},
		Doc:     "What the container speaks: `http`, `https`, HTTP/2 for [gRPC](#https-and-grpc) without TLS (`grpc`) or with it (`grpcs`), `tcp` on ports of its own, or TLS that the container itself ends (`tls_passthrough`).",
		Example: "protocol=tcp",
		Aliases: []string{"mode", "backend_protocol", "server_scheme", "upstream_protocol"},
		set:     func(t target, v Value) { t.service.Protocol = protocolOf(v.Text) },
		get:     func(t target) Value { return Value{Text: t.service.Protocol.String()} },
	},
	{
		Name: "proxy_protocol", Scope: OfService, Type: Text, Words: []string{"off", "v1", "v2"},
		Chars: optionChars, check: checkOption, Default: Value{Text: "off"},
		Kong:    Rendering{},
		HAProxy: Rendering{As: "`send-proxy`, `send-proxy-v2`"},
		Doc:     "Tells the container the client's address by the PROXY protocol; the container must expect it.",
		Example: "proxy_protocol=v2",
		Aliases: []string{"send_proxy", "proxyprotocol"},
		set: func(t target, v Value) {
			if t.service.ProxyProtocol = v.Text; v.Text == "off" {
				t.service.ProxyProtocol = ""
			}
		},
		get: func(t target) Value {
			return Value{Text: cmp.Or(t.service.ProxyProtocol, "off")}
		},
	},
	{
		Name: "grace", Scope: OfService, Type: Duration, Default: Value{Duration: 10 * time.Minute},
		Kong:    Rendering{As: "routes kept, upstream without targets"},
		HAProxy: Rendering{As: "routes kept, backend without servers"},
		Doc:     "How long the routes stay and answer 503 after the last container is gone.",
		Example: "grace=1h",
		set:     func(t target, v Value) { t.service.Grace = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.Grace} },
	},
	{
		Name: "connect_timeout", Scope: OfService, Type: Duration, Default: Value{Duration: 5 * time.Second},
		Kong:    Rendering{As: "service's `connect_timeout`"},
		HAProxy: Rendering{As: "`timeout connect`"},
		Doc:     "How long a gateway waits for a connection to the container.",
		Example: "connect_timeout=2s",
		set:     func(t target, v Value) { t.service.ConnectTimeout = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.ConnectTimeout} },
	},
	{
		Name: "read_timeout", Scope: OfService, Type: Duration, Protocols: ofRequests, Default: Value{Duration: time.Minute},
		Kong:    Rendering{As: "service's `read_timeout`"},
		HAProxy: Rendering{As: "`timeout server` (the longer of the two)"},
		Doc:     "How long a gateway waits for the container's answer to go on; HAProxy uses the longer of this and `write_timeout` for both.",
		Example: "read_timeout=5m",
		Aliases: []string{"timeout", "server_timeout"},
		set:     func(t target, v Value) { t.service.ReadTimeout = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.ReadTimeout} },
	},
	{
		Name: "write_timeout", Scope: OfService, Type: Duration, Protocols: ofRequests, Default: Value{Duration: time.Minute},
		Kong:    Rendering{As: "service's `write_timeout`"},
		HAProxy: Rendering{As: "`timeout server` (the longer of the two)"},
		Doc:     "How long a gateway waits for the container to take more of a request; HAProxy uses the longer of this and `read_timeout` for both.",
		Example: "write_timeout=5m",
		set:     func(t target, v Value) { t.service.WriteTimeout = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.WriteTimeout} },
	},
	{
		Name: "listen", Scope: OfRoute, Type: List, Match: true, Protocols: []Protocol{TCP}, Chars: digitChars, check: checkListen,
		Unset:   "no port",
		Kong:    Rendering{As: "`destinations`, where `stream_listen` has the port"},
		HAProxy: Rendering{As: "port map"},
		Doc:     "The gateway's ports whose connections the route takes, with `protocol=tcp`.",
		Example: "listen=5672",
		Aliases: []string{"tcp_port", "expose_port", "listen_port"},
		set:     func(t target, v Value) { t.route.Listen = ports(v.List) },
		get: func(t target) Value {
			var list []string
			for _, port := range t.route.Listen {
				list = append(list, strconv.Itoa(port))
			}
			return Value{List: list}
		},
	},
	{
		Name: "snis", Scope: OfRoute, Type: List, Match: true, Protocols: []Protocol{TLSPassthrough}, Chars: hostChars, check: checkSNI,
		Unset:   "no name",
		Kong:    Rendering{As: "`snis`, where `stream_listen` takes TLS"},
		HAProxy: Rendering{As: "map of `req.ssl_sni`"},
		Doc:     "The names that TLS clients ask for (SNI) whose connections the route takes as they are, with `protocol=tls_passthrough`; one `*` may stand for the leftmost part.",
		Example: "snis=vault.example.com",
		Aliases: []string{"sni", "tls_hosts", "server_names", "hostsni", "passthrough"},
		set:     func(t target, v Value) { t.route.SNIs = v.List },
		get:     func(t target) Value { return Value{List: t.route.SNIs} },
	},
	{
		Name: "hosts", Scope: OfRoute, Type: List, Protocols: ofRequests, Match: true, Chars: hostChars, check: checkHost,
		Unset:   "any host",
		Kong:    Rendering{As: "route's `hosts`"},
		HAProxy: Rendering{As: "host map"},
		Doc:     "The host names that the route takes; one `*` may stand for the leftmost or the rightmost part.",
		Example: "hosts=shop.example.com,*.shop.example.com",
		Aliases: []string{"domain", "domains", "hostname", "virtual_host", "server_name", "rule"},
		set:     func(t target, v Value) { t.route.Hosts = v.List },
		get:     func(t target) Value { return Value{List: t.route.Hosts} },
	},
	{
		Name: "paths", Scope: OfRoute, Type: List, Protocols: ofRequests, Match: true, Chars: pathChars, check: checkPath,
		Unset:   "any path",
		Kong:    Rendering{As: "route's `paths`"},
		HAProxy: Rendering{As: "path map, a pattern for a regular expression", Except: "a regular expression that could take long to match", except: isSlow},
		Doc:     "The path prefixes that the route takes, or `~` and a regular expression.",
		Example: "paths=/api,/v2/api",
		Aliases: []string{"prefix", "path_prefix", "location", "uri", "uris"},
		set:     func(t target, v Value) { t.route.Paths = v.List },
		get:     func(t target) Value { return Value{List: t.route.Paths} },
	},
	{
		Name: "methods", Scope: OfRoute, Type: List, Protocols: ofRequests, Match: true, Chars: methodChars, check: checkMethod,
		Unset:   "any method",
		Kong:    Rendering{As: "route's `methods`"},
		HAProxy: Rendering{As: "pattern"}, optional: true,
		Doc:     "The HTTP methods that the route takes.",
		Example: "methods=GET,HEAD",
		Aliases: []string{"verbs"},
		set:     func(t target, v Value) { t.route.Methods = v.List },
		get:     func(t target) Value { return Value{List: t.route.Methods} },
	},
	{
		Name: "headers", Scope: OfRoute, Type: Map, Protocols: ofRequests, Match: true, Chars: headerChars, check: checkHeaderValue, entry: checkHeaderName,
		Unset:   "any headers",
		Kong:    Rendering{As: "route's `headers`"},
		HAProxy: Rendering{As: "pattern"}, optional: true,
		Doc:     "The request headers that the route takes: every named header must be there with one of its values.",
		Example: "headers.X-Version=1,2",
		set:     func(t target, v Value) { t.route.Headers = v.Map },
		get:     func(t target) Value { return Value{Map: t.route.Headers} },
	},
	{
		Name: "protocols", Scope: OfRoute, Type: List, Protocols: ofRequests, Words: []string{protocolHTTP, protocolHTTPS}, Chars: wordChars, check: lowerWord,
		Unset:   "`http` and `https`",
		Kong:    Rendering{As: "route's `protocols`"},
		HAProxy: Rendering{As: "map, an answer of its own", Except: "`http` alone", except: func(word string) bool { return word == protocolHTTP }}, optional: true,
		Doc:     "How clients may come: `https` alone refuses those that come without TLS, or sends them to it with `https_redirect_status_code`.",
		Example: "protocols=https",
		Aliases: []string{"scheme", "schemes", "https_only", "force_https", "ssl_redirect"},
		set: func(t target, v Value) {
			if t.route.Protocols = v.List; len(v.List) == 2 {
				t.route.Protocols = nil // both, as when nothing is said
			}
		},
		get: func(t target) Value { return Value{List: t.route.Protocols} },
	},
	{
		Name: "https_redirect_status_code", Scope: OfRoute, Type: Int, Protocols: ofRequests, Min: 301, Max: upgradeRequired, Default: Value{Int: upgradeRequired}, check: checkRedirect,
		Kong:    Rendering{As: "route's `https_redirect_status_code`"},
		HAProxy: Rendering{As: "map, `http-request redirect`"},
		Doc:     "What a client without TLS gets from a route with `protocols=https`: 426, or with 301, 302, 307 or 308 the way to the same address with https.",
		Example: "https_redirect_status_code=308",
		Aliases: []string{"redirect", "https_redirect", "redirect_code", "redirectscheme"},
		set: func(t target, v Value) {
			if t.route.HTTPSRedirectStatusCode = v.Int; v.Int == upgradeRequired {
				t.route.HTTPSRedirectStatusCode = 0
			}
		},
		get: func(t target) Value {
			return Value{Int: cmp.Or(t.route.HTTPSRedirectStatusCode, upgradeRequired)}
		},
	},
	{
		Name: "hsts", Scope: OfRoute, Type: Duration, Protocols: ofRequests, Step: time.Second, Longest: 2 * 366 * 24 * time.Hour,
		Unset:   "no such header",
		HAProxy: Rendering{As: "`Strict-Transport-Security` in answers over TLS"},
		Doc:     "How long browsers are to come with TLS alone once they came with it.",
		Example: "hsts=8760h",
		Aliases: []string{"strict_transport_security", "sts_seconds", "stsseconds"},
		set:     func(t target, v Value) { t.route.HSTS = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.route.HSTS} },
	},
	{
		Name: "strip_path", Scope: OfRoute, Type: Bool, Protocols: ofRequests, Default: Value{Bool: false},
		Kong:    Rendering{As: "route's `strip_path`"},
		HAProxy: Rendering{As: "`http-request set-path`"},
		Doc:     "Removes the matched path before the request goes on to the container.",
		Example: "strip_path=true",
		Aliases: []string{"stripprefix", "strip_prefix", "rewrite"},
		set:     func(t target, v Value) { t.route.StripPath = v.Bool },
		get:     func(t target) Value { return Value{Bool: t.route.StripPath} },
	},
	{
		Name: "preserve_host", Scope: OfRoute, Type: Bool, Protocols: ofRequests, Default: Value{Bool: true},
		Kong:    Rendering{As: "route's `preserve_host`"},
		HAProxy: Rendering{As: "`Host` kept, or set to the server's address"},
		Doc:     "Sends the client's `Host` on to the container; with `false` the container gets its own address instead.",
		Example: "preserve_host=false",
		Aliases: []string{"pass_host", "pass_host_header", "passhostheader"},
		set:     func(t target, v Value) { t.route.PreserveHost = v.Bool },
		get:     func(t target) Value { return Value{Bool: t.route.PreserveHost} },
	},
	{
		Name: "priority", Scope: OfRoute, Type: Int, Min: -maxPriority, Max: maxPriority,
		Kong:    Rendering{As: "settled by Lockstep"},
		HAProxy: Rendering{As: "settled by Lockstep"},
		Doc:     "Settles who gets a match that several services ask for: the highest wins, the others are reported.",
		Example: "priority=10",
		set:     func(t target, v Value) { t.route.Priority = v.Int },
		get:     func(t target) Value { return Value{Int: t.route.Priority} },
	},
}

// The protocols by which clients come.
const (
	protocolHTTP  = "http"
	protocolHTTPS = "https"
)

// upgradeRequired is what Kong answers to requests without TLS where it is asked for.
const upgradeRequired = 426

// ofRequests are the protocols whose connections carry requests.
var ofRequests = []Protocol{HTTP, HTTPS, GRPC, GRPCS}

// protocolOf returns the protocol that a label's word names.
func protocolOf(word string) Protocol {
	if word == HTTP.String() {
		return HTTP
	}
	return Protocol(word)
}

// ports returns numbers that checkListen has let through, sorted.
func ports(list []string) []int {
	var out []int
	for _, text := range list {
		port, err := strconv.Atoi(text)
		if err == nil {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return out
}

// maxPriority fits a 32-bit integer with room to add to it.
const maxPriority = 1_000_000_000

// isRegex reports whether a path is a regular expression.
func isRegex(path string) bool { return strings.HasPrefix(path, "~") }
