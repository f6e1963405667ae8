package v1

import "cmp"

// balancingRows say how requests are shared among the copies of a service.
var balancingRows = []Field{
	{
		Name: "balance", Scope: OfService, Type: Text, Chars: balanceChars, check: checkBalance,
		Unset: "`roundrobin`",
		Kong: Rendering{
			As:     "upstream's `algorithm` and `hash_on`",
			Except: "`first` or `random`",
			except: func(balance string) bool { return balance == BalanceFirst || balance == BalanceRandom },
		},
		HAProxy: Rendering{As: "`balance`, with `hash-type consistent` for a hash"},
		Doc:     "Which copy takes a request: `roundrobin`, `leastconn`, `first` or `random`, or a hash of the client's address (`source`), the path (`uri`), `header:NAME` or `cookie:NAME`, with which the same client or path stays with the same copy.",
		Example: "balance=leastconn",
		Aliases: []string{"algorithm", "load_balancer", "loadbalancer", "hash_on"},
		set:     func(t target, v Value) { t.service.Balance = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.Balance} },
	},
	{
		Name: "sticky", Scope: OfService, Type: Text, Protocols: ofRequests, Chars: nameChars, check: checkCookie,
		Unset:   "no cookie",
		Kong:    Rendering{As: "`hash_on` cookie, in place of `balance`"},
		HAProxy: Rendering{As: "`cookie … insert … dynamic`"},
		Doc:     "Names a cookie that the gateway sets, so that a client stays with the copy that answered it first.",
		Example: "sticky=shop_server",
		Aliases: []string{"session", "affinity", "sticky_cookie", "sticky_session", "loadbalancer_sticky", "persistence"},
		set:     func(t target, v Value) { t.service.Sticky = v.Text },
		get:     func(t target) Value { return Value{Text: t.service.Sticky} },
	},
	{
		Name: "maxconn", Scope: OfInstance, Type: Int, Min: 0, Max: maxConnections,
		HAProxy: Rendering{As: "`server` maxconn"},
		Doc:     "The most requests that the copy gets at once; more wait for `queue_timeout`, and `0` sets no bound.",
		Example: "maxconn=50",
		Aliases: []string{"max_conn", "max_connections", "max_conns"},
		set:     func(t target, v Value) { t.instance.MaxConn = v.Int },
		get:     func(t target) Value { return Value{Int: t.instance.MaxConn} },
	},
	{
		Name: "backup", Scope: OfInstance, Type: Bool,
		HAProxy: Rendering{As: "`server` backup"},
		Doc:     "Gives the copy requests only while no other one takes any.",
		Example: "backup=true",
		Aliases: []string{"standby", "fallback"},
		set:     func(t target, v Value) { t.instance.Backup = v.Bool },
		get:     func(t target) Value { return Value{Bool: t.instance.Backup} },
	},
	{
		Name: "slowstart", Scope: OfService, Type: Duration,
		Unset:   "at once",
		HAProxy: Rendering{As: "`server` slowstart"},
		Doc:     "The time within which the share of a copy that comes, or comes back, grows from nothing to its whole.",
		Example: "slowstart=30s",
		Aliases: []string{"slow_start", "warmup"},
		set:     func(t target, v Value) { t.service.SlowStart = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.SlowStart} },
	},
	{
		Name: "retries", Scope: OfService, Type: Int, Min: 0, Max: maxRetries, Default: Value{Int: DefaultRetries},
		Kong:    Rendering{As: "service's `retries`"},
		HAProxy: Rendering{As: "`retries`"},
		Doc:     "How often a request that failed, and may be repeated, is tried again with another copy.",
		Example: "retries=2",
		Aliases: []string{"retry", "tries", "attempts"},
		set:     func(t target, v Value) { t.service.Retries = &v.Int },
		get:     func(t target) Value { return Value{Int: t.service.Tries()} },
	},
	{
		Name: "queue_timeout", Scope: OfService, Type: Duration,
		Unset:   "the `connect_timeout`",
		Kong:    Rendering{As: "nothing: there is no queue"},
		HAProxy: Rendering{As: "`timeout queue`"},
		Doc:     "How long a request waits while every copy has as many as its `maxconn`, before it is answered with 503.",
		Example: "queue_timeout=10s",
		set:     func(t target, v Value) { t.service.QueueTimeout = v.Duration },
		get:     func(t target) Value { return Value{Duration: t.service.QueueTimeout} },
	},
	{
		Name: "tunnel_timeout", Scope: OfService, Type: Duration, Default: Value{Duration: DefaultTunnelTimeout},
		HAProxy: Rendering{As: "`timeout tunnel`"},
		Doc:     "How long a WebSocket, or a TCP connection, may be idle.",
		Example: "tunnel_timeout=12h",
		Aliases: []string{"websocket_timeout", "idle_timeout"},
		set: func(t target, v Value) {
			if t.service.TunnelTimeout = v.Duration; v.Duration == DefaultTunnelTimeout {
				t.service.TunnelTimeout = 0 // as in what was remembered before the field was known
			}
		},
		get: func(t target) Value {
			return Value{Duration: cmp.Or(t.service.TunnelTimeout, DefaultTunnelTimeout)}
		},
	},
}

// The bounds of the numbers above.
const (
	maxConnections = 1_000_000
	maxRetries     = 100
)
