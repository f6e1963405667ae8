package haproxy

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers"
)

// Inspect implements reconcilers.Inspector. Sessions are those in the process that
// runs and in every worker that was replaced and has still something to finish.
func (r *Reconciler) Inspect(ctx context.Context, service string) (map[string]reconcilers.Live, error) {
	if !r.known {
		return nil, errors.New("HAProxy was not looked at yet")
	}
	known := map[string]reconcilers.Live{}
	section := r.model.sections[service]
	if section == nil {
		return known, nil
	}
	if err := r.inspectNow(ctx, section, known); err != nil {
		return nil, err
	}
	old, err := r.oldWorkers(ctx)
	if err != nil {
		return nil, err
	}
	for _, pid := range old {
		if err := r.inspectOld(ctx, pid, section, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// inspectNow notes what the worker that takes requests knows.
func (r *Reconciler) inspectNow(ctx context.Context, s *section, known map[string]reconcilers.Live) error {
	var asked []*backend
	for _, b := range s.backends {
		if r.backends[b.live()] {
			asked = append(asked, b)
		}
	}
	stats, err := r.stats(ctx, asked)
	if err != nil {
		return err
	}
	for i, b := range asked {
		for _, server := range b.servers {
			stat, live := stats[i][server.name], known[server.id]
			live.Sessions += stat.sessions
			live.State = stat.state
			if !server.drain {
				live.Down, live.Fix = stat.down, stat.fix
			}
			known[server.id] = live
		}
	}
	return nil
}

// inspectOld adds the sessions in a worker that was replaced. It may know none of
// the backends, or be gone by now.
func (r *Reconciler) inspectOld(ctx context.Context, pid int, s *section, known map[string]reconcilers.Live) error {
	for _, b := range s.backends {
		answer, err := r.askWorker(ctx, pid, statCommand(r.o.Owner, b))
		if err != nil {
			return fmt.Errorf("old worker %d: %w", pid, err)
		}
		stats, err := parseStat(answer)
		if err != nil {
			continue // it does not know the backend
		}
		for _, server := range b.servers {
			live := known[server.id]
			live.Sessions += stats[server.name].sessions
			known[server.id] = live
		}
	}
	return nil
}

// stats asks the process about some of its backends. What servers have said to a
// check is among the answers.
func (r *Reconciler) stats(ctx context.Context, backends []*backend) ([]map[string]stat, error) {
	out := make([]map[string]stat, len(backends))
	for i, b := range backends {
		command := statCommand(r.o.Owner, b)
		answer, err := askAlone(ctx, r.o.StatsSocket, command, r.o.Timeout)
		if err == nil {
			out[i], err = parseStat(answer)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
	}
	return out, nil
}

// statCommand asks for the servers of a backend: 0.25 ms, where all backends take 22.
func statCommand(owner string, b *backend) string {
	return "show stat " + backendName(owner, b.live()) + " 4 -1"
}

// stat is what HAProxy tells of a server.
type stat struct {
	sessions int
	state    string // "UP", "no check", "DRAIN", …
	down     string // what its check says; "" unless that keeps it out
	fix      string // what to do about that
}

// parseStat reads an answer to statCommand, by the servers' names.
func parseStat(answer string) (map[string]stat, error) {
	text, ok := strings.CutPrefix(answer, "# ")
	if !ok {
		return nil, fmt.Errorf("HAProxy answers %q", firstLine(answer))
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord, reader.LazyQuotes = -1, true
	rows, err := reader.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(errors.New("HAProxy's answer has no columns"), err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	out := map[string]stat{}
	for _, row := range rows[1:] {
		field := func(name string) string {
			if i, has := column[name]; has && i < len(row) {
				return row[i]
			}
			return ""
		}
		var s stat
		if s.sessions, err = strconv.Atoi(field("scur")); err != nil {
			return nil, fmt.Errorf("HAProxy's answer has %q sessions", field("scur"))
		}
		if s.state = field("status"); strings.HasPrefix(s.state, "DOWN") {
			result, description := field("check_status"), field("check_desc")
			if strings.HasSuffix(result, passiveResult) { // this column tells how many failed, and nothing of the server's
				description = field("last_chk")
			}
			s.down, s.fix = sayCheck(s.state, result, description, field("check_code"))
		}
		out[field("svname")] = s
	}
	return out, nil
}

// passiveResult is what HAProxy has for a check's result where requests took the server out.
const passiveResult = "HANA"

// sayCheck says what a check found, in HAProxy's own words, and what to do; what the
// server itself answered is left out. The state is "DOWN", or "DOWN 1/2" where one good
// check of two was seen, the result a code as L7OK, with a "*" before it while the next check is under way.
func sayCheck(state, result, description, code string) (said, fix string) {
	if code != "" && code != "0" {
		description += " (" + code + ")"
	}
	result = strings.TrimPrefix(result, "* ")
	layer, ended := strings.CutSuffix(strings.TrimSuffix(result, "C"), "OK")
	switch {
	case ended && strings.HasPrefix(layer, "L"):
		_, count, _ := strings.Cut(state, " ")
		return fmt.Sprintf("HAProxy's own check has not passed often enough in a row yet (%s): %s", cmp.Or(count, "0"), description),
			"wait for the next ones; check_rise says how many it takes, check_interval how long after each other"
	case result == passiveResult:
		return "HAProxy took it out because requests failed (check_passive): " + cmp.Or(description, "too many in a row"),
			"see in the container's log why; its check brings it back, when it was good check_rise times in a row"
	case result == "INI":
		return "HAProxy's own check has not ended yet", "wait for it"
	case strings.HasPrefix(result, "L6"):
		fix = "HAProxy and the container do not agree on TLS: see that its certificate is issued by an authority that is known here (tls_ca), " +
			"and bears the name of tls_servername, else of check_host, else of the first of hosts; or that it speaks TLS at all"
	default:
		fix = "see what the container answers to the check that check and check_* ask for"
	}
	if description != "" {
		return "HAProxy's own check fails: " + description, fix
	}
	return "HAProxy's own check fails", fix
}
