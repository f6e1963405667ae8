package v1

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
		set:     func(t target, v Value) { t.service.Service.Balance = v.Text },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Text: s.Service.Balance} },
	},
}
