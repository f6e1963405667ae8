package fakekong

import (
	"fmt"
	"net/http"
	"slices"
)

// version is that of the Kong whose answers these are.
const version = "3.9.1"

// workers are the process ids that Kong tells of, and whose turn it is to answer.
var workers = []any{1, 2}

// root answers GET /: what a client asks to learn the version and the mode.
func (k *Kong) root() *answer {
	available := object{}
	for _, name := range k.lib.enabled() {
		available[name] = object{"version": version, "priority": 1000}
	}
	return ok(object{
		"version": version, "edition": "community", "tagline": "Welcome to kong", "lua_version": "2.1-20231117",
		"node_id": k.nodeID, "hostname": "fakekong",
		"configuration": object{
			"database": string(k.mode), "router_flavor": "traditional_compatible",
			"admin_listen": []any{k.AdminURL}, "proxy_listen": []any{k.ProxyURL}, "db_update_frequency": 0,
			"stream_listeners":              k.streamListeners(),
			"worker_state_update_frequency": max(k.routing.lateness(), k.plugins.lateness()).Seconds(),
		},
		"pids":    object{"master": 3, "workers": workers},
		"plugins": object{"available_on_server": available, "enabled_in_cluster": k.pluginsInUse()},
		"timers":  object{"running": 0, "pending": 0},
	})
}

// streamListeners are the ports of stream_listen; an empty list is an object, as
// everywhere in Kong's JSON.
func (k *Kong) streamListeners() any {
	if len(k.stream) == 0 {
		return object{}
	}
	var out []any
	for _, l := range k.stream {
		listener := fmt.Sprintf("0.0.0.0:%d", l.Port)
		if l.TLS {
			listener += " ssl"
		}
		out = append(out, object{"ip": "0.0.0.0", "port": l.Port, "ssl": l.TLS, "listener": listener, "udp": false, "proxy_protocol": false, "reuseport": false, "bind": false})
	}
	return out
}

func (k *Kong) pluginsInUse() []any {
	out := []any{}
	for _, e := range k.store.list(kindOf("plugins")) {
		if name := e.fields["name"]; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// status answers GET /status. Sizes and counts are made up, but for the requests.
func (k *Kong) status() *answer {
	dicts := object{}
	for _, name := range []string{
		"kong", "kong_cluster_events", "kong_core_db_cache", "kong_core_db_cache_miss", "kong_db_cache", "kong_db_cache_miss",
		"kong_healthchecks", "kong_locks", "kong_rate_limiting_counters", "kong_secrets", "prometheus_metrics",
	} {
		dicts[name] = object{"allocated_slabs": "0.04 MiB", "capacity": "5.00 MiB"}
	}
	n := k.journal.total()
	out := object{
		"memory": object{
			"lua_shared_dicts": dicts,
			"workers_lua_vms":  []any{object{"http_allocated_gc": "46.00 MiB", "pid": 1}, object{"http_allocated_gc": "46.00 MiB", "pid": 2}},
		},
		"server": object{
			"connections_accepted": n, "connections_active": 1, "connections_handled": n, "connections_reading": 0,
			"connections_waiting": 0, "connections_writing": 1, "total_requests": n,
		},
	}
	if k.mode == DBLess {
		out["configuration_hash"] = k.hash
	} else {
		out["database"] = object{"reachable": true}
	}
	return ok(out)
}

// schemas answers /schemas/{entity} and /schemas/plugins/{name}, and validates
// entities without storing them: POST /schemas/{entity}/validate.
func (k *Kong) schemas(c *call) *answer {
	if len(c.path) == 3 && c.path[2] == "validate" && c.method == http.MethodPost {
		kd := kindOf(c.path[1])
		if !k.lib.has(kd) {
			return say(http.StatusNotFound, "No entity named '"+c.path[1]+"'")
		}
		if a := c.parse(k, kd); a != nil {
			return a
		}
		if _, bad := k.draft(kd, c.body, nil); bad != nil {
			return schemaViolation(bad)
		}
		return ok(object{"message": "schema validation successful"})
	}
	return c.get(func() *answer {
		switch {
		case len(c.path) == 3 && c.path[1] == "plugins":
			if raw := k.lib.raw["plugins/"+c.path[2]]; raw != nil {
				return ok(raw)
			}
			return say(http.StatusNotFound, "No plugin named '"+c.path[2]+"'")
		case len(c.path) == 2:
			if raw := k.lib.raw[c.path[1]]; raw != nil {
				return ok(raw)
			}
			return say(http.StatusNotFound, "No entity named '"+c.path[1]+"'")
		}
		return notFound()
	})
}

// tags answers /tags and /tags/{tag}: which entity bears which tag.
func (k *Kong) tags(c *call) *answer {
	if len(c.path) > 2 {
		return notFound()
	}
	out := []any{}
	for _, kd := range kinds {
		for _, e := range k.store.list(kd) {
			has, _ := e.fields["tags"].([]any)
			for _, tag := range has {
				if len(c.path) == 1 || tag == c.path[1] {
					out = append(out, object{"entity_id": e.id(), "entity_name": kd.name, "tag": tag})
				}
			}
		}
	}
	return ok(object{"data": out, "next": nil})
}
