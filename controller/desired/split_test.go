package desired

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// parts reads "v1:100 v1:50 v2:100".
func parts(text string) []part {
	var out []part
	for word := range strings.FieldsSeq(text) {
		var p part
		version, own, _ := strings.Cut(word, ":")
		if _, err := fmt.Sscan(own, &p.own); err != nil {
			p.own = 100
		}
		p.version = version
		out = append(out, p)
	}
	return out
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, parts string
		shares      map[string]int
		want        []int
	}{
		{"a canary", "v1 v1 v2", map[string]int{"v2": 10}, []int{9, 9, 2}},
		{"one per cent", "v1 v2", map[string]int{"v2": 1}, []int{99, 1}},
		{"one per cent of seven", "v1 v1 v1 v1 v1 v1 v1 v2", map[string]int{"v2": 1}, []int{99, 99, 99, 99, 99, 99, 99, 7}},
		{"a canary with copies", "v1 v2 v2 v2", map[string]int{"v2": 10}, []int{27, 1, 1, 1}},
		{"own weights within a version", "v1:100 v1:50 v2:7", map[string]int{"v2": 10}, []int{6, 3, 1}},
		{"blue, green", "v1 v1:50 v2", map[string]int{"v2": 100}, []int{0, 0, 100}},
		{"dark", "v1 v1:50 v2", map[string]int{"v2": 0}, []int{100, 50, 0}},
		{"what is left is divided by own weights", "a:100 b:50 c:1", map[string]int{"c": 10}, []int{6, 3, 1}},
		{"unnamed is a version", ":1 :1 v2", map[string]int{"v2": 50}, []int{1, 1, 2}},
		{"the rest is all that is left", "v1 v1", map[string]int{"v2": 10}, []int{100, 100}},
		{"a share without instances goes to the rest", "v1 v2", map[string]int{"v2": 10, "v3": 40}, []int{9, 1}},
		{"without a rest it goes to all", "v2 v4", map[string]int{"v2": 10, "v3": 60, "v4": 30}, []int{1, 3}},
		{"shares that leave something nobody asks for", "v2 v4", map[string]int{"v2": 10, "v4": 10}, []int{1, 1}},
		{"no share is none, even alone", "v2 v2", map[string]int{"v2": 0}, []int{0, 0}},
		{"all is taken", "v1 v2 v3", map[string]int{"v2": 60, "v3": 40}, []int{0, 3, 2}},
		{"the share counts, not the copies", "v1 v2 v2 v2 v2", map[string]int{"v2": 1}, []int{99 * 2, 0, 1, 0, 1}},
		{"nobody", "", map[string]int{"v2": 10}, []int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := split(c.shares, parts(c.parts)); !slices.Equal(got, c.want) && sameShares(got, c.want, parts(c.parts)) > hair {
				t.Errorf("%s with %v: %v, want %v", c.parts, c.shares, got, c.want)
			}
		})
	}
}

// sameShares returns the greatest difference between the shares of versions.
func sameShares(a, b []int, parts []part) float64 {
	return off(a, wishOf(b, parts), parts)
}

func wishOf(weights []int, parts []part) map[string]float64 {
	out, total := map[string]float64{}, 0
	for i, weight := range weights {
		out[parts[i].version] += float64(weight)
		total += weight
	}
	for version := range out {
		out[version] /= float64(max(total, 1))
	}
	return out
}

// off returns by how much the weights miss a wish, at the most.
func off(weights []int, wish map[string]float64, parts []part) float64 {
	worst := 0.0
	for version, got := range wishOf(weights, parts) {
		worst = max(worst, math.Abs(got-wish[version]))
	}
	return worst
}

// TestSplitIsAsExactAsWholeNumbersAllow splits at random and holds the result
// against what is promised of it.
func TestSplitIsAsExactAsWholeNumbersAllow(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	exact, equals := 0, 0
	for range 3000 {
		shares, left := map[string]int{}, 100
		for i := range random.IntN(4) {
			share := random.IntN(left + 1)
			shares[fmt.Sprintf("v%d", i)], left = share, left-share
		}
		equal := random.IntN(2) == 0
		var parts []part
		for range 1 + random.IntN(12) {
			p := part{version: fmt.Sprintf("v%d", random.IntN(5)), own: 100}
			if !equal {
				p.own = 1 + random.IntN(256)
			}
			parts = append(parts, p)
		}
		wish, weights := wishes(shares, parts), split(shares, parts)
		for i, weight := range weights {
			if weight < 0 || weight > maxWeight {
				t.Fatalf("%v of %v: the weight %d of part %d", shares, parts, weight, i)
			}
			if _, gets := wish[parts[i].version]; !gets && weight > 0 {
				t.Fatalf("%v of %v: a part without a share has the weight %d", shares, parts, weight)
			}
		}
		miss := off(weights, wish, parts)
		if miss > 1.0/255 {
			t.Fatalf("%v of %v gives %v: off by %v", shares, parts, weights, miss)
		}
		if equal {
			equals++
		}
		if equal && miss < hair {
			exact++
		}
	}
	if exact < equals*9/10 {
		t.Errorf("of %d services with equal containers only %d are divided exactly", equals, exact)
	}
}

// TestSplitIsNeverWorseThanAnyTotal compares with every set of weights for two
// versions that one could write down.
func TestSplitIsNeverWorseThanAnyTotal(t *testing.T) {
	for share := 1; share < 100; share++ {
		for ones := 1; ones <= 4; ones++ {
			for twos := 1; twos <= 4; twos++ {
				list := parts(strings.Repeat("v1 ", ones) + strings.Repeat("v2 ", twos))
				shares := map[string]int{"v2": share}
				got := off(split(shares, list), wishes(shares, list), list)
				for a := 1; a <= maxWeight && got > hair; a++ {
					b := math.Round(float64(a*ones*share) / float64((100-share)*twos))
					if b < 1 || b > maxWeight {
						continue
					}
					all := float64(a*ones) + b*float64(twos)
					if could := math.Abs(b*float64(twos)/all - float64(share)/100); could < got-hair {
						t.Fatalf("%d%% of %d and %d: off by %v, where %d to %v is off by %v", share, ones, twos, got, a, b, could)
					}
				}
			}
		}
	}
}

// BenchmarkSplit divides a large service that no whole numbers divide exactly.
func BenchmarkSplit(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var list []part
			for i := range n {
				list = append(list, part{version: fmt.Sprintf("v%d", i%3), own: 1 + i*7%256})
			}
			b.ReportAllocs()
			for b.Loop() {
				split(map[string]int{"v1": 7, "v2": 13}, list)
			}
		})
	}
}
