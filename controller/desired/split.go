package desired

import (
	"maps"
	"math"
	"slices"
)

// maxWeight is the most that both gateways take.
const maxWeight = 256

// hair is less than any difference between shares that whole weights can make.
const hair = 1e-9

// part is one instance that could get traffic, as split sees it.
type part struct {
	version string
	own     int // its own weight among those of its version, above 0
}

// split returns the weights, 0 to 256, with which the parts share the traffic as a
// rollout asks: versions by their shares, those without one what is left by their
// own weights, and within a version each instance by its own weight. The share of
// a version that has no part goes to those without a share or, where there are
// none, to the others in proportion.
//
// Weights are whole numbers. For each greatest weight from 1 to 256 the others are
// rounded so that no version and no instance is off by a whole one; of these sets
// that one is taken in which the versions come closest to their shares, then the
// instances. So a version is never off by more than 1/255 of the traffic, and mostly
// not at all. It is written in the largest numbers that say the same: while a gateway
// takes one weight after the other, old and new ones are then of like size. The cost
// is in proportion to the parts.
func split(shares map[string]int, parts []part) []int {
	weights := make([]int, len(parts))
	wish := wishes(shares, parts)
	if len(wish) < 2 { // nothing to share: nothing moves when instances come and go
		for i, p := range parts {
			if _, gets := wish[p.version]; gets {
				weights[i] = p.own
			}
		}
		return weights
	}
	r := newRuler(wish, parts)
	for n, weight := range r.best() {
		weights[r.order[n]] = weight
	}
	return weights
}

// wishes returns what part of the whole each version should have that has
// instances; those that should have none are left out.
func wishes(shares map[string]int, parts []part) map[string]float64 {
	own := ownWeights(parts)
	asked, rest := 0, 0 // per cents of those with a share, own weights of those without
	for version, weight := range own {
		if share, named := shares[version]; named {
			asked += share
		} else {
			rest += weight
		}
	}
	whole := float64(asked)
	if rest > 0 {
		whole = 100
	}
	out := map[string]float64{}
	for version, weight := range own {
		wish := float64(shares[version])
		if _, named := shares[version]; !named {
			wish = float64((100-asked)*weight) / float64(rest)
		}
		if wish > 0 {
			out[version] = wish / whole
		}
	}
	return out
}

// ownWeights sums the parts' own weights up by version.
func ownWeights(parts []part) map[string]int {
	own := map[string]int{}
	for _, p := range parts {
		own[p.version] += p.own
	}
	return own
}

// ruler lays the parts that get traffic end to end, version by version, each as
// long as its part of the whole. Marks on a scale of whole numbers are then
// rounded, so that neither a part nor a version is off by a whole one.
type ruler struct {
	order    []int     // the parts by their place in what was given
	ends     []float64 // where each part ends, from 0 to 1
	versions []int     // the place of the last part of each version
	longest  float64   // the length of the longest part
}

func newRuler(wish map[string]float64, parts []part) *ruler {
	of := map[string][]int{}
	for i, p := range parts {
		of[p.version] = append(of[p.version], i)
	}
	r := &ruler{}
	own := ownWeights(parts)
	at := 0.0
	for _, version := range slices.Sorted(maps.Keys(wish)) {
		sum := 0
		for _, i := range of[version] {
			sum += parts[i].own
			r.order = append(r.order, i)
			r.ends = append(r.ends, at+float64(wish[version]*float64(sum)/float64(own[version])))
			r.longest = max(r.longest, wish[version]*float64(parts[i].own)/float64(own[version]))
		}
		at += wish[version]
		r.versions = append(r.versions, len(r.ends)-1)
	}
	return r
}

// best returns the weights that come closest, in the ruler's order.
func (r *ruler) best() []int {
	var best, next []int
	ofVersions, ofParts := math.Inf(1), math.Inf(1)
	for greatest := 1; greatest <= maxWeight; greatest++ {
		total := math.Round(float64(greatest) / r.longest)
		next = r.weigh(next[:0], total)
		if slices.Max(next) > maxWeight {
			continue
		}
		versions, parts := r.miss(next, total)
		if versions < ofVersions-hair || versions < ofVersions+hair && parts < ofParts-hair {
			best, next = next, best
			ofVersions, ofParts = versions, parts
		}
		if ofVersions+ofParts < hair {
			break
		}
	}
	times := maxWeight / slices.Max(best)
	for i := range best {
		best[i] *= times
	}
	return best
}

// weigh appends the weights that make the total.
func (r *ruler) weigh(weights []int, total float64) []int {
	before := 0
	for _, end := range r.ends {
		mark := int(math.Round(total * end))
		weights = append(weights, mark-before)
		before = mark
	}
	return weights
}

// miss returns by how much of the whole the weights are off, at the most: of a
// version, and of a part.
func (r *ruler) miss(weights []int, total float64) (versions, parts float64) {
	from, begun, sum, version := 0.0, 0.0, 0, 0
	for i, weight := range weights {
		parts = max(parts, math.Abs(float64(weight)/total-(r.ends[i]-from)))
		sum, from = sum+weight, r.ends[i]
		if i == r.versions[version] {
			versions = max(versions, math.Abs(float64(sum)/total-(r.ends[i]-begun)))
			sum, begun, version = 0, r.ends[i], version+1
		}
	}
	return versions, parts
}
