package v1

import (
	"strings"
	"time"
)

// checkRows say how a gateway finds out by itself whether a copy is well.
var checkRows = []Field{
	{
		Name: "check", Scope: OfService, Type: Text, Words: []string{CheckNone, CheckTCP, CheckHTTP}, Chars: wordChars, check: checkKind,
		Unset:   "`none`",
		Kong:    Rendering{As: "upstream's `healthchecks.active`"},
		HAProxy: Rendering{As: "`check` of each `server`, and `option httpchk`"},
		Doc:     "Lets the gateway check each copy by itself, beside Docker's HEALTHCHECK: whether it takes a connection (`tcp`), or answers a GET (`http`).",
		Example: "check=http",
		Aliases: []string{"healthcheck", "health_check", "health", "httpchk"},
		set:     func(t target, v Value) { t.service.Service.Check = strings.TrimSuffix(v.Text, CheckNone) },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Text: s.Service.Check} },
	},
	{
		Name: "check_path", Scope: OfService, Type: Text, Chars: targetChars, check: checkTarget, needs: needsHTTP,
		Unset:   "`/`",
		Kong:    Rendering{As: "`http_path`"},
		HAProxy: Rendering{As: "`http-check send … uri`"},
		Doc:     "The path that an HTTP check asks for.",
		Example: "check_path=/healthz",
		Aliases: []string{"healthcheck_path", "health_path"},
		set:     func(t target, v Value) { t.service.Service.CheckPath = v.Text },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Text: s.Service.CheckPath} },
	},
	{
		Name: "check_host", Scope: OfService, Type: Text, Chars: hostChars, check: checkCheckHost, needs: needsHTTP,
		Unset:   "`localhost`, on Kong the copy's address",
		HAProxy: Rendering{As: "`http-check send … hdr Host`"},
		Doc:     "The `Host` that an HTTP check asks for.",
		Example: "check_host=shop.example.com",
		Aliases: []string{"healthcheck_host", "healthcheck_hostname"},
		set:     func(t target, v Value) { t.service.Service.CheckHost = v.Text },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Text: s.Service.CheckHost} },
	},
	{
		Name: "check_status", Scope: OfService, Type: List, Chars: statusChars, check: checkStatus, needs: needsHTTP,
		Unset:   "`" + goodStatus + "`",
		Kong:    Rendering{As: "`http_statuses`: these healthy, all others unhealthy"},
		HAProxy: Rendering{As: "`http-check expect status`"},
		Doc:     "The answers to an HTTP check that are good: statuses, and ranges of them.",
		Example: "check_status=200,204",
		Aliases: []string{"healthcheck_status", "expected_status"},
		set:     func(t target, v Value) { t.service.Service.CheckStatus = v.List },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{List: s.Service.CheckStatus} },
	},
	{
		Name: "check_interval", Scope: OfService, Type: Duration, Default: Value{Duration: 2 * time.Second}, needs: needsCheck,
		Kong:    Rendering{As: "`interval`, of healthy and unhealthy targets"},
		HAProxy: Rendering{As: "`inter`"},
		Doc:     "How long after a check the next one follows.",
		Example: "check_interval=10s",
		Aliases: []string{"healthcheck_interval", "inter"},
		set:     func(t target, v Value) { t.service.Service.CheckInterval = v.Duration },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Duration: s.Service.CheckInterval} },
	},
	{
		Name: "check_timeout", Scope: OfService, Type: Duration, Default: Value{Duration: time.Second}, needs: needsCheck,
		Kong:    Rendering{As: "`timeout`"},
		HAProxy: Rendering{As: "`timeout check`"},
		Doc:     "How long a check may take.",
		Example: "check_timeout=500ms",
		Aliases: []string{"healthcheck_timeout"},
		set:     func(t target, v Value) { t.service.Service.CheckTimeout = v.Duration },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Duration: s.Service.CheckTimeout} },
	},
	{
		Name: "check_rise", Scope: OfService, Type: Int, Min: 1, Max: 255, Default: Value{Int: 2}, needs: needsCheck,
		Kong:    Rendering{As: "`successes`"},
		HAProxy: Rendering{As: "`rise`"},
		Doc:     "How many good checks in a row bring a copy back.",
		Example: "check_rise=3",
		Aliases: []string{"rise", "healthcheck_rise"},
		set:     func(t target, v Value) { t.service.Service.CheckRise = v.Int },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Int: s.Service.CheckRise} },
	},
	{
		Name: "check_fall", Scope: OfService, Type: Int, Min: 1, Max: 255, Default: Value{Int: 3}, needs: needsCheck,
		Kong:    Rendering{As: "`http_failures`, `tcp_failures` and `timeouts`"},
		HAProxy: Rendering{As: "`fall`"},
		Doc:     "How many bad checks in a row take a copy out.",
		Example: "check_fall=2",
		Aliases: []string{"fall", "healthcheck_fall"},
		set:     func(t target, v Value) { t.service.Service.CheckFall = v.Int },
		get:     func(s *DeclaredService, _ *Route) Value { return Value{Int: s.Service.CheckFall} },
	},
}
