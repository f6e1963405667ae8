package kong

import (
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// draft is the state that is to be pushed, less what had to be taken back.
type draft struct {
	current, want plan.State
	problems      map[v1.Key]*v1.Problem
	turn          func(*entity.Record) *plan.Object // a route in the form in which it answers 503
	taken         []*entity.Record                  // plugins that had to be taken back
}

// takeBack puts an object to what the node holds of it, or leaves it out when
// that is what Kong refuses.
func (d *draft) takeBack(key v1.Key, problem *v1.Problem) {
	if o := d.want[key]; o != nil && o.Fields["enabled"] == "true" {
		if rec, ok := o.Native.(*entity.Record); ok && rec.Row.Kind == v1.KindPlugin {
			d.taken = append(d.taken, rec)
		}
	}
	before, known := d.current[key]
	if known && before != d.want[key] {
		d.want[key] = before
	} else {
		delete(d.want, key)
	}
	d.problems[key] = problem
}

// complete takes back what refers to something that is not there: Kong refuses
// such a configuration without saying why.
func (d *draft) complete(rows []*entity.Row) {
	d.shut()
	for _, row := range rows { // parents first
		for _, rec := range entity.Records(d.want, row) {
			key := v1.Key{Kind: row.Kind, Name: rec.Key}
			d.protect(key, rec)
			for range 2 { // the older version may lack its parent as well
				missing, ok := d.missing(key)
				if !ok {
					break
				}
				problem := &v1.Problem{
					Reason: v1.GatewayRejected, Gateway: v1.Kong,
					Message: fmt.Sprintf("it waits for %s, which is not there", missing), Fix: "see what is said about " + missing.String(),
				}
				if cause := d.problems[missing]; cause != nil {
					problem.Message, problem.Fix = fmt.Sprintf("it waits for %s, which could not be made: %s", missing, cause.Message), cause.Fix
				}
				d.takeBack(key, problem)
			}
		}
	}
}

// shut turns the routes away from their service that lead there as before, while
// a plugin that is new to them can't be made.
func (d *draft) shut() {
	for _, p := range d.taken {
		need := v1.Key{Kind: v1.KindPlugin, Name: p.Key}
		if entity.Works(d.want, need) {
			continue
		}
		for key, o := range d.want {
			rec, ok := o.Native.(*entity.Record)
			if ok && key.Kind == v1.KindRoute && p.Protects(rec) && rec.ParentKeys["service"] != entity.Reserved {
				problem := waiting(need, d.problems[need])
				d.want[key], d.problems[key] = d.turn(rec), &problem
			}
		}
	}
}

// protect turns a route away from its service when a plugin that it needs is
// not there: without it the route would be more open than asked.
func (d *draft) protect(key v1.Key, rec *entity.Record) {
	for _, need := range rec.Needs {
		if entity.Works(d.want, need) {
			continue
		}
		problem := waiting(need, d.problems[need])
		d.want[key], d.problems[key] = d.turn(rec), &problem
		return
	}
}

// missing returns a parent that an object of the draft lacks.
func (d *draft) missing(key v1.Key) (v1.Key, bool) {
	o, ok := d.want[key]
	if !ok {
		return v1.Key{}, false
	}
	rec, ok := o.Native.(*entity.Record)
	if !ok {
		return v1.Key{}, false
	}
	parents := rec.Parents()
	slices.SortFunc(parents, v1.Key.Compare)
	for _, parent := range parents {
		if _, there := d.want[parent]; !there {
			return parent, true
		}
	}
	return v1.Key{}, false
}

// outcomes tells what became of each change; rest is for those that nothing
// else is known of.
func (d *draft) outcomes(p plan.Plan, rest *v1.Problem) []plan.Outcome {
	out := make([]plan.Outcome, len(p.Changes))
	for i, change := range p.Changes {
		out[i] = plan.Outcome{Change: change, Problem: d.problems[change.Key]}
		if out[i].Problem == nil {
			out[i].Problem = rest
		}
	}
	return out
}
