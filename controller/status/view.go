package status

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// Report returns everything as it is now.
func (s *Store) Report() Report {
	report := s.now()
	report.near(report.Waiting)
	return report
}

// now is Report without what may be meant by names that nobody declares.
func (s *Store) now() Report {
	return s.report(func(v *Store, standing *desired.Standing) desired.Standing { return qualify(v.merge(standing)) })
}

// report collects everything that there is at one moment; account says what is said of one
// service. Only that moment holds up who changes anything, and not what takes long.
func (s *Store) report(account func(*Store, *desired.Standing) desired.Standing) Report {
	v := s.view()
	ready, _ := v.ready()
	report := Report{Version: v.version, Owner: v.owner, Writer: v.writer, Revision: v.revision, Ready: ready, Sources: listed(v.sources),
		Services: []Service{}, Refused: []Refused{}}
	for _, name := range v.order {
		g := v.gateways[name]
		out := Gateway{
			Name: name, Reason: g.reason, Error: g.err, Applied: g.applied,
			Pending: len(g.pending), Changes: g.changes, Applying: g.applying, Held: g.held,
		}
		out.Problems, out.Hints, out.Verification = g.distinct(), g.hints, g.serving.report()
		report.Gateways = append(report.Gateways, out)
	}
	for _, name := range slices.Sorted(maps.Keys(v.standings)) {
		report.Services = append(report.Services, Service{Standing: account(v, v.standings[name]), Pending: v.pending(name)})
	}
	for _, id := range slices.Sorted(maps.Keys(v.refused)) {
		report.Refused = append(report.Refused, Refused{ID: id, Problems: v.refused[id]})
	}
	report.Waiting, report.Unsaved = v.waits(), v.unsavedParts()
	return report
}

// view returns a store that holds what this one holds now, and that nobody changes: what maps
// hold is replaced and never changed in place.
func (s *Store) view() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &Store{
		version: s.version, owner: s.owner, writer: s.writer, order: s.order, sources: s.sources, revision: s.revision,
		standings: maps.Clone(s.standings), refused: maps.Clone(s.refused), waiting: maps.Clone(s.waiting), unsaved: maps.Clone(s.unsaved),
		gateways: make(map[v1.Gateway]*gateway, len(s.gateways)),
	}
	for name, g := range s.gateways {
		now := *g
		now.pending, now.problems = maps.Clone(g.pending), maps.Clone(g.problems)
		now.told.set, now.serving.waits = maps.Clone(g.told.set), maps.Clone(g.serving.waits)
		v.gateways[name] = &now
	}
	return v
}
