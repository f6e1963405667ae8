package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is one line of the result.
type row struct{ what, how, figure, floor, beside, goal, met, cpu string }

type table struct{ rows []row }

// addRatio adds a line about how many times its floor something takes.
func (t *table) addRatio(what, how string, ours, floor []cost, limit float64) {
	a, f := middle(ours), middle(floor)
	ratio := float64(a.took) / float64(f.took)
	r := row{what: what, how: how, beside: fmt.Sprintf("%.2f×", ratio), goal: "–", met: "–"}
	if limit > 0 {
		r.goal, r.met = fmt.Sprintf("≤ %.1f×", limit), met(ratio <= limit)
	}
	t.add(r, a, f)
}

// addBeyond adds a line about how much longer than its floor something takes.
func (t *table) addBeyond(what, how string, ours, floor []cost, limit time.Duration) {
	a, f := middle(ours), middle(floor)
	beyond := a.took - f.took
	t.add(row{what: what, how: how, beside: "+" + millis(beyond), goal: "≤ +" + limit.String(), met: met(beyond <= limit)}, a, f)
}

func (t *table) add(r row, ours, floor cost) {
	r.figure, r.floor = millis(ours.took), millis(floor.took)
	r.cpu = millis(ours.cpu) + " / " + millis(floor.cpu)
	t.rows = append(t.rows, r)
}

func met(ok bool) string {
	if ok {
		return "yes"
	}
	return "NO"
}

// middle is the median of each part.
func middle(costs []cost) cost {
	var took, cpu []time.Duration
	for _, c := range costs {
		took, cpu = append(took, c.took), append(cpu, c.cpu)
	}
	slices.Sort(took)
	slices.Sort(cpu)
	return cost{took[len(took)/2], cpu[len(cpu)/2]}
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func (t *table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tREQUESTS\tFIGURE\tFLOOR\tBESIDE\tGOAL\tMET\tCPU / FLOOR'S")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.how, r.figure, r.floor, r.beside, r.goal, r.met, r.cpu)
	}
	w.Flush() //nolint:errcheck // standard output; nothing could be said about its failure
}
