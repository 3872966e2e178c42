package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// table collects the figures. Each is a ratio with its aim: seconds and bytes of
// one machine say nothing about another.
type table struct {
	rows  []row
	notes []string
}

type row struct {
	what     string
	measured float64
	aim      float64
	atMost   bool // the aim is an upper bound
	how      string
}

// atLeast adds a figure that is the better the higher it is.
func (t *table) atLeast(aim, measured float64, what, how string, args ...any) {
	t.rows = append(t.rows, row{what: what, measured: measured, aim: aim, how: fmt.Sprintf(how, args...)})
}

// atMost adds a figure that is the better the lower it is.
func (t *table) atMost(aim, measured float64, what, how string, args ...any) {
	t.rows = append(t.rows, row{what: what, measured: measured, aim: aim, atMost: true, how: fmt.Sprintf(how, args...)})
}

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (r row) met() bool {
	if r.atMost {
		return r.measured <= r.aim
	}
	return r.measured >= r.aim
}

// print writes the table and returns how many aims were missed.
func (t *table) print(w io.Writer) (missed int) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "\nfigure\tratio\taim\t\thow")
	for _, r := range t.rows {
		sign, verdict := ">=", "met"
		if r.atMost {
			sign = "<="
		}
		if !r.met() {
			verdict = "MISSED"
			missed++
		}
		_, _ = fmt.Fprintf(tw, "%s\t%.2f\t%s %.2f\t%s\t%s\n", r.what, r.measured, sign, r.aim, verdict, r.how)
	}
	_ = tw.Flush()
	for _, n := range t.notes {
		_, _ = fmt.Fprintln(w, "-", n)
	}
	return missed
}

// quantile returns the q-quantile, 0.5 being the median. It is not empty.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}
