package forecast

import (
	"cmp"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// blame adds a verdict to the problems, unless all is as asked for.
func (f *forecast) blame(verdict desired.Verdict, object v1.Key, at v1.Origin, report *Report) {
	if verdict.Wanting() {
		report.add(verdict.Problem(object, at))
	}
}

// add adds a problem that was not told yet.
func (r *Report) add(problem v1.Problem) {
	if !slices.Contains(r.Problems, problem) {
		r.Problems = append(r.Problems, problem)
	}
}

// arrange sorts the problems by place, and says once, of no gateway, what is so on each.
func (r *Report) arrange(gateways []v1.Gateway) {
	slices.SortStableFunc(r.Problems, func(a, b v1.Problem) int {
		return cmp.Or(cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Origin.Column, b.Origin.Column))
	})
	r.Problems = v1.Once(r.Problems, gateways)
}
