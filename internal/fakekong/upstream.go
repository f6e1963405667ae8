package fakekong

import (
	"net"
	"net/http"
	"strconv"
)

// upstreamExtra answers what only upstreams have: targets/all, health and the
// health of single targets; nil for all else.
func (k *Kong) upstreamExtra(c *call, u *entity, name string, rest []string) *answer {
	targets := kindOf("targets")
	rows := k.store.below(targets, &parent{u, "upstream"})
	switch {
	case name == "targets" && len(rest) == 1 && rest[0] == "all":
		return c.get(func() *answer { return ok(object{"data": k.views(rows), "next": nil}) })
	case name == "health" && len(rest) == 0:
		return c.get(func() *answer { return k.health(u, rows) })
	case name == "targets" && len(rest) >= 2:
		state := rest[len(rest)-1]
		if c.method != http.MethodPut || state != "healthy" && state != "unhealthy" {
			return nil
		}
		in := &parent{u, "upstream"}
		t := k.child(targets, rest[0], in)
		if t == nil {
			if t = k.store.get(targets, rest[0]); t == nil || !in.has(t) {
				return notFound()
			}
		}
		if !k.checksHealth(u) {
			return say(http.StatusBadRequest, "no healthchecker found for "+text(u.fields["name"]))
		}
		k.unhealthy[t.id()] = state == "unhealthy"
		k.balancers.forget(u.id())
		return noContent()
	}
	return nil
}

// checksHealth reports whether an upstream has a health checker configured.
func (k *Kong) checksHealth(u *entity) bool {
	var set func(v any) bool
	set = func(v any) bool {
		m, _ := v.(map[string]any)
		for _, name := range []string{"successes", "tcp_failures", "http_failures", "timeouts", "interval"} {
			if n, ok := m[name].(float64); ok && n > 0 {
				return true
			}
		}
		for _, name := range []string{"active", "passive", "healthy", "unhealthy"} {
			if m[name] != nil && set(m[name]) {
				return true
			}
		}
		return false
	}
	return set(u.fields["healthchecks"])
}

// health answers /upstreams/u/health. Kong knows the health of an upstream once its
// balancer exists; here that is when some service sends requests there.
func (k *Kong) health(u *entity, rows []*entity) *answer {
	bySeq(rows)
	used := false
	for _, s := range k.store.rows["services"] {
		used = used || s.fields["host"] == u.fields["name"]
	}
	data := k.views(rows)
	for i, t := range rows {
		if !used {
			break
		}
		state := "HEALTHCHECKS_OFF"
		if k.checksHealth(u) {
			state = "HEALTHY"
			if k.unhealthy[t.id()] {
				state = "UNHEALTHY"
			}
		}
		host, portText, _ := net.SplitHostPort(text(t.fields["target"]))
		port, _ := strconv.Atoi(portText)
		weight := t.fields["weight"]
		up, down := weight, any(0)
		if state == "UNHEALTHY" {
			up, down = down, up
		}
		view := k.view(t)
		data[i] = view
		view["health"] = state
		view["data"] = object{
			"addresses": []any{object{"health": state, "ip": host, "port": port, "weight": weight}},
			"dns":       "A", "host": host, "port": port, "nodeWeight": weight,
			"weight": object{"available": up, "total": weight, "unavailable": down},
		}
	}
	return ok(object{"data": data, "next": nil, "node_id": k.nodeID})
}
