package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// legend says what the variables of formulas are.
const legend = `n items, D elements of a vector, P bytes of a payload, F indexed fields, T tokens of d elements, M links of a row, L of one in the
embedded engine, S shards asked for, R replicas, E machines that encode, G items a month; RAM, DISK, cores of a node; decode,
encode images/s, load, upload, scan bytes/s, link rows/s of a core and walk ms at 200,000 x 768,
elink and ewalk in the embedded engine: rates`

// Print writes plans side by side, a row for each cell that one of them has.
// They are of the same rates.
func Print(w io.Writer, plans ...*Plan) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(label string, text func(*Plan) string) {
		fmt.Fprint(table, label)
		for _, p := range plans {
			fmt.Fprint(table, "\t", text(p))
		}
		fmt.Fprintln(table)
	}
	row("", func(p *Plan) string { return p.Demand.Name })
	row("items", func(p *Plan) string { return fmt.Sprintf("%s × %d", number(float64(p.Demand.Items)), p.Demand.Dim) })
	row("engine", func(p *Plan) string { return p.Demand.engine() })
	row("node", func(p *Plan) string {
		return fmt.Sprintf("%s, %s, %d cores", size(p.Demand.Memory), size(p.Demand.Disk), p.Demand.Cores)
	})
	for _, c := range rows(plans) {
		row(c.title(), func(p *Plan) string {
			value, ok := p.Value(c.Key)
			if !ok {
				return "–"
			}
			return c.Unit.Format(value)
		})
	}
	if err := table.Flush(); err != nil || len(plans) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "\nrates %s; --explain prints the formulas\n", plans[0].Rates.Machine)
	return err
}

// Explain writes the formula of every cell, and the formula with its numbers.
func (p *Plan) Explain(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s × %d, %s\n", p.Demand.Name, number(float64(p.Demand.Items)), p.Demand.Dim, p.Demand.engine())
	for _, c := range p.Cells {
		fmt.Fprintf(w, "\n%s: %s\n  %s = %s\n  = %s\n  [%s]\n", c.title(), c.Unit.Format(c.Value), c.Key, c.Formula, c.Numbers, c.Source)
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s\n", legend, p.Rates.Machine)
	return err
}

// engine says what keeps the vectors, and how.
func (d Demand) engine() string {
	if d.Engine == Local {
		return "embedded, int8"
	}
	return fmt.Sprintf("qdrant, %s × %d", d.Quantisation, d.Replicas)
}

// title is the label with what it is a part of.
func (c Cell) title() string {
	for _, part := range []string{"mem", "disk", "spare"} {
		if rest, ok := strings.CutPrefix(c.Key, part); ok && rest != "" && rest != "ory" && rest != "Data" {
			return "  " + c.Label
		}
	}
	return c.Label
}

// rows returns a cell for every key of the plans. A key that only later plans
// have comes after the key that it follows there.
func rows(plans []*Plan) []Cell {
	var all []Cell
	for _, p := range plans {
		at := 0
		for _, c := range p.Cells {
			if i := slices.IndexFunc(all, func(r Cell) bool { return r.Key == c.Key }); i >= 0 {
				at = i + 1
				continue
			}
			all = slices.Insert(all, at, c)
			at++
		}
	}
	return all
}

// Format writes a value as people read it.
func (u Unit) Format(v float64) string {
	switch u {
	case Bytes:
		return size(v)
	case Hours:
		return duration(v)
	case Milliseconds:
		return fmt.Sprintf("%.3g ms", v)
	}
	return number(v)
}

// size writes bytes with a decimal prefix.
func size(v float64) string {
	prefixes := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	for len(prefixes) > 1 && v >= 999.5 {
		v, prefixes = v/1000, prefixes[1:]
	}
	return fmt.Sprintf("%.3g %s", v, prefixes[0])
}

// duration writes hours in the largest unit that there is one of.
func duration(hours float64) string {
	for _, unit := range []struct {
		name  string
		hours float64
	}{{"years", 8766}, {"days", 24}, {"h", 1}, {"min", 1. / 60}} {
		if hours >= 2*unit.hours {
			return fmt.Sprintf("%.3g %s", hours/unit.hours, unit.name)
		}
	}
	return fmt.Sprintf("%.3g s", hours*3600)
}

// number writes a number with commas.
func number(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
