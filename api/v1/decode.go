package v1

import (
	"cmp"
	"fmt"
	"slices"
)

// The most that one container may declare.
const (
	maxServices = 16
	maxRoutes   = 64
	maxPairs    = 1024 // of a host and a path, which are what gateways and claims count
)

// maxProblems is of how many mistakes in one container, or one object of a manifest, is told: a
// stranger may make any number of them, and each costs a line of the log.
const maxProblems = 50

// Decode reads what a container's labels ask for. It is pure: the same labels
// give the same answer, whatever order their map has.
//
// A container that does not count (no enable label, spelled exactly so, and no
// ExposeAll, or enable=false) is not Enabled and has no problems, whatever its other
// labels say. When any label is wrong there are no services at all, for half of a
// wish may be more open than the whole; every problem is returned, sorted by label.
func (g Grammar) Decode(s Subject) (Declaration, []Problem) {
	d := &decoding{grammar: g, subject: s}
	d.collect()
	if counts, optedOut := d.counts(); !counts {
		return Declaration{OptedOut: optedOut}, nil
	}
	d.readKeys()
	d.refuseTwice()
	d.refuseMixed()
	d.build()
	if len(d.problems) > 0 {
		slices.SortFunc(d.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Origin.Label, b.Origin.Label), cmp.Compare(a.Message, b.Message))
		})
		if d.untold {
			d.problems = append(d.problems, d.problem(d.origin(""), &fault{message: "more of it is wrong than is told of here", fix: "correct what is told of first"}))
		}
		return Declaration{Enabled: true}, d.problems
	}
	return Declaration{Enabled: true, Services: d.services}, nil
}

// decoding is the work on one container.
type decoding struct {
	grammar  Grammar
	subject  Subject
	own      []ownLabel // the labels under the prefix, sorted
	wishes   []wish     // those with a good key; sorted by what they are about
	unread   bool       // some key was not understood
	routes   int        // how many were seen
	pairs    int        // how many of a host and a path
	services []DeclaredService
	problems []Problem
	untold   bool // there are more than maxProblems

	// Of a manifest alone.
	places map[string]*Written // where each key stands; nil for labels
	object Key                 // what is decoded
	at     Origin              // where it begins
}

// ownLabel is a label under the prefix.
type ownLabel struct{ key, rest, value string }

// collect finds the labels under the prefix.
func (d *decoding) collect() {
	for key, value := range d.subject.Labels {
		if rest, ok := d.grammar.after(key); ok {
			if d.own == nil {
				d.own = make([]ownLabel, 0, len(d.subject.Labels))
			}
			d.own = append(d.own, ownLabel{key, rest, value})
		}
	}
	slices.SortFunc(d.own, func(a, b ownLabel) int { return cmp.Compare(a.key, b.key) })
}

// counts reports whether the container counts, and whether a label says that it shall
// not. A wrong value of enable counts, so that it is reported. The label must be spelled
// exactly so to let a container in: Docker is asked for it, where nothing else needs to be
// known. To keep one out any spelling will do.
func (d *decoding) counts() (counts, optedOut bool) {
	said, yes, exactly := false, false, false
	for _, own := range d.own {
		if fold(own.rest) != enableField {
			continue
		}
		said = true
		exactly = exactly || own.key == d.grammar.Prefix+enableField
		value, wrong := rows[fieldTable.byName[enableField]].parse(own.value)
		yes, counts = yes || value.Bool, counts || value.Bool || wrong != nil
	}
	if said {
		return counts && (exactly || d.grammar.ExposeAll), !yes
	}
	return d.grammar.ExposeAll, false
}

// readKeys turns labels into wishes.
func (d *decoding) readKeys() {
	d.wishes = make([]wish, 0, len(d.own))
	for _, own := range d.own {
		if d.untold {
			break
		}
		w, wrong := d.grammar.read(own.key, own.rest, own.value)
		if wrong != nil {
			d.report(own.key, wrong)
			d.unread = true
			continue
		}
		d.wishes = append(d.wishes, w)
	}
	d.sortWishes()
}

// sortWishes brings together what is about the same thing.
func (d *decoding) sortWishes() {
	slices.SortFunc(d.wishes, func(a, b wish) int {
		return cmp.Or(a.compare(&b), cmp.Compare(a.label, b.label))
	})
}

// refuseTwice reports every wish that says again what another one says.
func (d *decoding) refuseTwice() {
	for i := 1; i < len(d.wishes); i++ {
		if first, again := &d.wishes[i-1], &d.wishes[i]; first.compare(again) == 0 {
			d.report(again.label, &fault{
				message: fmt.Sprintf("it is the same key as the %s %s", d.grammar.noun(), shown(first.label)),
				fix:     "keep one of the two",
			})
		}
	}
}

// splits reports whether the container is divided into named services.
func (d *decoding) splits() bool {
	return len(d.wishes) > 0 && d.wishes[len(d.wishes)-1].service != ""
}

// refuseMixed reports the short form beside services.NAME: which of the
// services it speaks of would be a guess.
func (d *decoding) refuseMixed() {
	if !d.splits() {
		return
	}
	for i := range d.wishes {
		w := &d.wishes[i]
		if w.service != "" || w.scope() == OfContainer {
			continue
		}
		rest, _ := d.grammar.after(w.label)
		d.report(w.label, &fault{
			message: fmt.Sprintf("it names no service, beside labels that do (%s)", shown(d.wishes[len(d.wishes)-1].label)),
			fix:     "write " + plainly(d.grammar.Prefix+wordServices+".NAME."+rest),
		})
	}
}

// report adds a problem at a label, or at the key of a manifest's field, and reports whether it
// is told of.
func (d *decoding) report(label string, wrong *fault) bool {
	if d.untold = d.untold || len(d.problems) == maxProblems; d.untold {
		return false
	}
	d.problems = append(d.problems, d.problem(d.origin(label), wrong))
	return true
}

// problem returns what is wrong at a place.
func (d *decoding) problem(at Origin, wrong *fault) Problem {
	reason, object := InvalidLabel, Key{Kind: KindInstance, Name: d.subject.Container}
	if d.places != nil {
		reason, object = InvalidManifest, d.object
	}
	return Problem{
		Reason:  cmp.Or(wrong.reason, reason),
		Object:  object,
		Origin:  at,
		Message: wrong.message,
		Fix:     wrong.fix,
	}
}

// origin returns where a label stands, or the field of a manifest.
func (d *decoding) origin(label string) Origin {
	if d.places == nil {
		return Origin{Container: d.subject.Container, Label: label}
	}
	if w := d.places[label]; w != nil {
		return w.At
	}
	return d.at
}

// reportValue adds a problem at a value: in a manifest that has a place of its
// own, and so have the items of a list.
func (d *decoding) reportValue(label string, wrong *fault) {
	if w := d.places[label]; d.report(label, wrong) && w != nil && len(w.Values) > 0 {
		d.problems[len(d.problems)-1].Origin = w.Values[min(wrong.item, len(w.Values)-1)]
	}
}

// first returns the first of the wishes' origins: labels in their order as
// text, fields of a manifest as they follow each other in the file.
func (d *decoding) first(wishes []wish) Origin {
	at := d.origin(wishes[0].label)
	for i := range wishes {
		other := d.origin(wishes[i].label)
		if cmp.Or(cmp.Compare(other.Label, at.Label), cmp.Compare(other.Line, at.Line), cmp.Compare(other.Column, at.Column)) < 0 {
			at = other
		}
	}
	return at
}
