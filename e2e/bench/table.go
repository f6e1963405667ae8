package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is one line of the result.
type row struct{ what, figure, floor, ratio, goal, met string }

type table struct{ rows []row }

// add adds a line; ok says whether the goal is met, where there is one (not "–").
func (t *table) add(what, figure, floor, ratio, goal string, ok bool) {
	met := "yes"
	if !ok {
		met = "NO"
	}
	if goal == "–" {
		met = goal
	}
	t.rows = append(t.rows, row{what, figure, floor, ratio, goal, met})
}

// addLatency adds the lines for p50 and p95 of what came through HAProxy (all)
// and straight from the container (floor). Goals are for the difference at
// p50; limit 0 means none.
func (t *table) addLatency(what string, all, floor []time.Duration, limit time.Duration) {
	extra := make([]time.Duration, len(all))
	for i := range all {
		extra[i] = all[i] - floor[i]
	}
	for _, p := range []float64{0.50, 0.95} {
		a, f, e := percentile(all, p), percentile(floor, p), percentile(extra, p)
		goal, ok := "–", true
		if p == 0.50 && limit > 0 {
			goal, ok = "≤ "+limit.String(), e <= limit
		}
		ratio := "–"
		if f > 0 {
			ratio = fmt.Sprintf("%.1f×", float64(a)/float64(f))
		}
		t.add(fmt.Sprintf("%s, p%.0f", what, p*100), "+"+millis(e), millis(f), ratio, goal, ok)
	}
}

// addBeside adds the p50 of something and of its floor, measured in turns. The
// goal is for the whole; limit 0 means none.
func (t *table) addBeside(what string, all, floor []time.Duration, limit time.Duration) {
	a, f := percentile(all, 0.50), percentile(floor, 0.50)
	goal := "–"
	if limit > 0 {
		goal = "≤ " + limit.String()
	}
	t.add(what+", p50 (p95)", millis(a)+" ("+millis(percentile(all, 0.95))+")", millis(f)+" ("+millis(percentile(floor, 0.95))+")",
		times(a, f), goal, a <= limit)
}

func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(p*float64(len(sorted)-1)+0.5)]
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tFIGURE\tFLOOR\tRATIO\tGOAL\tMET")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.figure, r.floor, r.ratio, r.goal, r.met)
	}
	w.Flush() //nolint:errcheck // standard output; nothing could be said about its failure
}
