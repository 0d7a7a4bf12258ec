package study

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"engram/embed/eval"
	"engram/embed/scan"
)

// AblationPresets are the parts of a decoder as an ablation lists them: the ridge and
// what is put behind it, one after another, and a network by each of its losses.
func AblationPresets() []string {
	presets := []string{scan.PresetLinear, scan.PresetWhitened, scan.PresetGains, scan.PresetContrastive}
	for _, loss := range []string{scan.LossMSE, scan.LossBiMixCo, scan.LossSoftCLIP, scan.LossGallery} {
		presets = append(presets, scan.PresetCompact+":"+loss)
	}
	return append(presets, scan.PresetCompact, scan.PresetGaussian, scan.PresetRefined, scan.PresetRefinedNetwork)
}

// AblationRow is what a preset reached, with paired tests.
type AblationRow struct {
	Row
	// Share is the share of scans, of all seeds together, that find their image first,
	// with Wilson's interval: how well it is known for these decoders. Row.Top1 says how
	// much other draws of images differ.
	Share eval.Share `json:"scans_top1"`
	Above *Pair      `json:"against_above,omitempty"` // nil in the first row
	Best  *Pair      `json:"against_best,omitempty"`  // nil for the row that finds most images
}

// Pair is a paired test against another row, on the test images of all seeds. The
// adjusted values are by Holm's method over the rows of one level of noise, number of
// images and number of repeats.
type Pair struct {
	Preset string `json:"preset"`
	eval.Paired
	McNemarHolm     float64 `json:"mcnemar_holm"`
	PermutationHolm float64 `json:"two_way_holm"`
}

// Ablate returns a row for each preset, in the order of the cells' outcomes, for each
// number of images, level of noise and number of repeats. An image that several seeds
// drew counts once for each.
func Ablate(cells []Done) ([]AblationRow, error) {
	var rows []AblationRow
	for _, r := range Summarise(cells, "") {
		rows = append(rows, AblationRow{Row: r})
	}
	for from := 0; from < len(rows); {
		to := from
		for ; to < len(rows) && rows[to].level() == rows[from].level(); to++ {
		}
		if err := compare(rows[from:to], cells); err != nil {
			return nil, err
		}
		from = to
	}
	return rows, nil
}

// level is what the presets of a table are compared at.
func (r Row) level() [3]float64 { return [3]float64{float64(r.Images), r.Noise, float64(r.Repeats)} }

// compare fills the rows of one level.
func compare(rows []AblationRow, cells []Done) error {
	outcomes := make([]eval.Outcomes, len(rows))
	best := 0
	for i := range rows {
		var err error
		if outcomes[i], err = rows[i].outcomes(cells); err != nil {
			return err
		}
		n := len(outcomes[i].Image)
		rows[i].Share = eval.Wilson(eval.TopK(outcomes[i].Image, 1), n)
		if rows[i].Share.Share > rows[best].Share.Share {
			best = i
		}
	}
	var above, against []*Pair
	for i := range rows {
		if i > 0 {
			p, err := pair(rows[i-1].Preset, outcomes[i-1], outcomes[i])
			if err != nil {
				return err
			}
			rows[i].Above, above = p, append(above, p)
		}
		if i != best {
			p, err := pair(rows[best].Preset, outcomes[best], outcomes[i])
			if err != nil {
				return err
			}
			rows[i].Best, against = p, append(against, p)
		}
	}
	adjust(above)
	adjust(against)
	return nil
}

// outcomes returns the outcomes of a preset in all cells of its level.
func (r Row) outcomes(cells []Done) (eval.Outcomes, error) {
	var out eval.Outcomes
	for _, c := range cells {
		for _, o := range c.Outcomes {
			if o.Preset != r.Preset || o.Repeats != r.Repeats || c.Images != r.Images || c.Noise != r.Noise {
				continue
			}
			if len(o.Ranks) < 2 {
				return out, fmt.Errorf("ablation: the cell of noise %v, %d images and seed %d has no ranks, an earlier version made it; name another folder", c.Noise, c.Images, c.Seed)
			}
			others := float64(len(o.Ranks) - 1)
			for _, rank := range o.Ranks {
				out.Image, out.TwoWay = append(out.Image, rank), append(out.TwoWay, 1-(rank-1)/others)
			}
		}
	}
	return out, nil
}

// pairSeed draws the bootstrap and the flips of signs.
const pairSeed = 1

func pair(preset string, first, second eval.Outcomes) (*Pair, error) {
	found, err := eval.Compared(first, second, pairSeed)
	return &Pair{Preset: preset, Paired: found}, err
}

// adjust fills the adjusted values of a family of tests.
func adjust(pairs []*Pair) {
	var mcnemar, permutation []float64
	for _, p := range pairs {
		mcnemar, permutation = append(mcnemar, p.McNemar), append(permutation, p.Permutation)
	}
	mcnemar, permutation = eval.Holm(mcnemar), eval.Holm(permutation)
	for i, p := range pairs {
		p.McNemarHolm, p.PermutationHolm = mcnemar[i], permutation[i]
	}
}

// PrintAblation writes rows as tables for people, one for each level, in per cent.
func PrintAblation(w io.Writer, rows []AblationRow) error {
	for i, r := range rows {
		if i == 0 || r.level() != rows[i-1].level() {
			if i > 0 {
				fmt.Fprintln(w)
			}
			scans := "single scans"
			if r.Repeats > 1 {
				scans = fmt.Sprintf("mean of %d scans", r.Repeats)
			}
			fmt.Fprintf(w, "%d training images, noise %v, %s\n", r.Images, r.Noise, scans)
			if err := printLevel(w, rows[i:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// printLevel writes the table of the first row's level.
func printLevel(w io.Writer, rows []AblationRow) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "decoder\timage top-1 (Wilson)\t%s\ttwo-way\tagainst the row above\tp, two-way p\tagainst the best\tp, two-way p\n", rows[0].units())
	for _, r := range rows {
		if r.level() != rows[0].level() {
			break
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.4f\t%s\t%s\n", r.Preset, r.Share, r.Top1, r.TwoWay.Mean, r.Above, r.Best)
	}
	return table.Flush()
}

// units says what the intervals of Top1 are over.
func (r Row) units() string {
	if r.Subjects > 1 {
		return fmt.Sprintf("over %d subjects", r.Subjects)
	}
	if r.Seeds == 1 {
		return "of 1 seed"
	}
	return fmt.Sprintf("over %d seeds", r.Seeds)
}

// String writes the difference in per cent with its interval, and the adjusted values,
// as two columns of a table.
func (p *Pair) String() string {
	if p == nil {
		return "–\t"
	}
	d := p.Top1
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)\t%.2g, %.2g", 100*d.Mean, 100*d.Low, 100*d.High, p.McNemarHolm, p.PermutationHolm)
}

// WriteAblationCSV writes a line for each row, shares from 0 to 1.
func WriteAblationCSV(w io.Writer, rows []AblationRow) error {
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	lines := [][]string{{
		"images", "noise", "repeats", "preset", "seeds", "subjects", "scans_top1", "scans_top1_low", "scans_top1_high", "top1", "top1_low", "top1_high", "two_way",
		"above", "above_difference", "above_low", "above_high", "above_mcnemar_holm", "above_two_way_holm",
		"best", "best_difference", "best_low", "best_high", "best_mcnemar_holm", "best_two_way_holm",
	}}
	for _, r := range rows {
		line := []string{
			strconv.Itoa(r.Images), text(r.Noise), strconv.Itoa(r.Repeats), r.Preset, strconv.Itoa(r.Seeds), strconv.Itoa(max(1, r.Subjects)),
			text(r.Share.Share), text(r.Share.Low), text(r.Share.High), text(r.Top1.Mean), text(r.Top1.Low), text(r.Top1.High), text(r.TwoWay.Mean),
		}
		for _, p := range []*Pair{r.Above, r.Best} {
			if p == nil {
				line = slices.Concat(line, make([]string, 6))
				continue
			}
			line = append(line, p.Preset, text(p.Top1.Mean), text(p.Top1.Low), text(p.Top1.High), text(p.McNemarHolm), text(p.PermutationHolm))
		}
		lines = append(lines, line)
	}
	return csv.NewWriter(w).WriteAll(lines)
}
