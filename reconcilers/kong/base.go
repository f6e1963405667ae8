package kong

import (
	"strings"

	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// readBase takes what goes along with pushes from now on.
func (r *Reconciler) readBase() {
	if r.leads {
		r.file.Follow(r.options.Log)
	}
	r.base = r.file.Current()
}

// knowBase finds out whether the node holds the base already: its mark names it.
func (r *Reconciler) knowBase() {
	if o := r.held[""][markKey()]; r.base != nil && o != nil {
		if rec, ok := o.Native.(*entity.Record); ok && entity.Tagged(rec.Body, entity.TagBase) == r.base.Mark() {
			r.there = r.base
			r.file.Took(r.base)
		}
	}
}

// maxSaid is how much of what Kong refuses of a base is said.
const maxSaid = 3

// withdraw puts what goes along with a push back to what Kong last took, when it is the
// other one that Kong refuses. Then the mark stays as it is too: it names what was taken.
func (r *Reconciler) withdraw(d *draft, why *declaration.Refused) bool {
	if len(why.Offenders) > 0 && len(why.Others) == 0 {
		return false
	}
	words := why.Message
	if len(why.Others) > 0 {
		words = strings.Join(why.Others[:min(len(why.Others), maxSaid)], "; ")
	}
	good, ok := r.file.Refuse(r.base, words)
	if !ok {
		return false
	}
	r.base = good
	if before := d.current[markKey()]; before != nil {
		d.want[markKey()] = before
	}
	return true
}
