package study

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"

	"engram/embed/eval"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Row is what a preset reached on a number of images and a level of noise, over
// seeds.
type Row struct {
	Noise   float64 `json:"noise"`
	Images  int     `json:"images"`
	Repeats int     `json:"repeats"`
	Preset  string  `json:"preset"`
	Seeds   int     `json:"seeds"`
	// Subjects are the units of the intervals where there are two or more, each with the
	// mean of its seeds; else seeds are.
	Subjects int `json:"subjects,omitempty"`
	// Top1 is the share of test images that a scan finds first.
	Top1   eval.Interval `json:"image_top1"`
	TwoWay eval.Interval `json:"two_way"`
	// Difference is what Top1 is more than the baseline's, seed by seed; nil for the
	// baseline and without one.
	Difference *eval.Interval `json:"difference,omitempty"`
	// Chosen counts the decoders that auto chose; nil for other presets.
	Chosen map[string]int `json:"chosen,omitempty"`
}

// Summarise returns a row for each preset, level of noise, number of images and
// number of repeats, in the order in which they first appear.
func Summarise(cells []Done, base string) []Row {
	type key struct {
		noise   float64
		images  int
		repeats int
		preset  string
	}
	var order []key
	found := map[key]map[run]Outcome{}
	for _, c := range cells {
		for _, o := range c.Outcomes {
			k := key{c.Noise, c.Images, o.Repeats, o.Preset}
			if found[k] == nil {
				order, found[k] = append(order, k), map[run]Outcome{}
			}
			found[k][run{c.Subject, c.Seed}] = o
		}
	}
	var rows []Row
	for _, k := range order {
		r := Row{Noise: k.noise, Images: k.images, Repeats: k.repeats, Preset: k.preset}
		baseline := k
		baseline.preset = base
		top1, twoWay, differences := units{}, units{}, units{}
		seeds := map[uint64]bool{}
		for of, o := range found[k] {
			seeds[of.seed] = true
			top1.add(of, o.Top1)
			twoWay.add(of, o.TwoWay)
			if b, known := found[baseline][of]; known && k.preset != base {
				differences.add(of, o.Top1-b.Top1)
			}
			if o.Decoder != o.Preset {
				if r.Chosen == nil {
					r.Chosen = map[string]int{}
				}
				r.Chosen[o.Decoder]++
			}
		}
		r.Seeds = len(seeds)
		if n := top1.subjects(); n > 1 {
			r.Subjects = n
		}
		r.Top1, r.TwoWay = share(top1.values()), share(twoWay.values())
		if len(differences) > 0 {
			d := interval(differences.values())
			r.Difference = &d
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, byDesign)
	return rows
}

// byDesign orders rows by images, noise and repeats.
func byDesign(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Images, b.Images), cmp.Compare(a.Noise, b.Noise), cmp.Compare(a.Repeats, b.Repeats))
}

// run is one subject and seed.
type run struct {
	subject string
	seed    uint64
}

// units are figures of runs. The units of an interval are subjects where there are
// several, and seeds else.
type units map[run]float64

func (u units) add(of run, x float64) { u[of] = x }

func (u units) subjects() int {
	names := map[string]bool{}
	for of := range u {
		names[of.subject] = true
	}
	return len(names)
}

// values returns a value for each unit.
func (u units) values() (out []float64) {
	bySubject := map[string][]float64{}
	for of, x := range u {
		out = append(out, x)
		bySubject[of.subject] = append(bySubject[of.subject], x)
	}
	if len(bySubject) < 2 {
		return out
	}
	out = nil
	for _, seeds := range bySubject {
		slices.Sort(seeds) // map order must not change the last digits
		out = append(out, stat.Mean(seeds, nil))
	}
	return out
}

// share returns the interval of shares, within 0 to 1.
func share(x []float64) eval.Interval {
	i := interval(x)
	i.Low, i.High = max(0, i.Low), min(1, i.High)
	return i
}

// interval returns the mean with the 95 % interval of Student's t, which one seed
// does not have: its bounds are the mean.
func interval(x []float64) eval.Interval {
	slices.Sort(x) // map order must not change the last digits
	mean := stat.Mean(x, nil)
	if len(x) < 2 {
		return eval.Interval{Mean: mean, Low: mean, High: mean}
	}
	half := distuv.StudentsT{Sigma: 1, Nu: float64(len(x) - 1)}.Quantile(.975) * stat.StdDev(x, nil) / math.Sqrt(float64(len(x)))
	return eval.Interval{Mean: mean, Low: mean - half, High: mean + half}
}

// Print writes rows as a table for people, in per cent.
func Print(w io.Writer, rows []Row, base string) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "images\tnoise\trepeats\tpreset\tseeds\timage top-1 (95 %%)\ttwo-way\tmore than %s\tchosen\n", base)
	for _, r := range rows {
		difference, chosen := "", ""
		if r.Difference != nil {
			difference = fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*r.Difference.Mean, 100*r.Difference.Low, 100*r.Difference.High)
		}
		for _, name := range slices.Sorted(maps.Keys(r.Chosen)) {
			chosen += fmt.Sprintf("%s %d ", name, r.Chosen[name])
		}
		fmt.Fprintf(table, "%d\t%v\t%d\t%s\t%d\t%s\t%.4f\t%s\t%s\n", r.Images, r.Noise, r.Repeats, r.Preset, r.Seeds, r.Top1, r.TwoWay.Mean, difference, chosen)
	}
	return table.Flush()
}

// WriteCSV writes a line for each row, shares from 0 to 1.
func WriteCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"images", "noise", "repeats", "preset", "seeds", "top1", "top1_low", "top1_high", "two_way", "difference", "difference_low", "difference_high"}}
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, r := range rows {
		line := []string{strconv.Itoa(r.Images), text(r.Noise), strconv.Itoa(r.Repeats), r.Preset, strconv.Itoa(r.Seeds),
			text(r.Top1.Mean), text(r.Top1.Low), text(r.Top1.High), text(r.TwoWay.Mean), "", "", ""}
		if d := r.Difference; d != nil {
			line[9], line[10], line[11] = text(d.Mean), text(d.Low), text(d.High)
		}
		lines = append(lines, line)
	}
	return out.WriteAll(lines)
}
