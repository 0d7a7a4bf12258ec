package study_test

import (
	"math"
	"strings"
	"testing"

	"engram/embed/scan/study"
)

// ablated returns the cell of a seed: three presets; the second finds one image
// more than the first, and the third all.
func ablated(seed uint64, subject string) study.Done {
	ranks := func(found int) (out []float64) {
		for i := range 20 {
			out = append(out, 1)
			if i >= found {
				out[i] = 3
			}
		}
		return out
	}
	done := study.Done{Cell: study.Cell{Subject: subject, Noise: 1, Images: 84, Seed: seed}}
	for i, preset := range []string{"linear", "gains", "gaussian"} {
		found := []int{9, 10, 20}[i]
		done.Outcomes = append(done.Outcomes, study.Outcome{Preset: preset, Decoder: preset, Repeats: 1, Top1: float64(found) / 20, Ranks: ranks(found)})
	}
	return done
}

// TestAblationComparesPairedScans expects the tests of the scans of both seeds.
func TestAblationComparesPairedScans(t *testing.T) {
	rows, err := study.Ablate([]study.Done{ablated(1, ""), ablated(2, "")})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[0].Above != nil || rows[2].Best != nil {
		t.Fatalf("rows are %+v", rows)
	}
	gains, gaussian := rows[1], rows[2]
	if gains.Above.Preset != "linear" || gains.Above.Second != 2 || gains.Above.First != 0 || gains.Above.McNemar != .5 {
		t.Errorf("gains against linear: %+v", gains.Above)
	}
	if gaussian.Above.Second != 20 || gaussian.Above.McNemarHolm != 2*gaussian.Above.McNemar || gaussian.Above.PermutationHolm > .001 {
		t.Errorf("gaussian against gains: %+v", gaussian.Above)
	}
	if gains.Best.Preset != "gaussian" || gains.Best.First != 20 {
		t.Errorf("gains against the best: %+v", gains.Best)
	}
	if gains.Share.Share != .5 || math.Abs(gains.Share.Low-.352) > .001 || gains.Seeds != 2 {
		t.Errorf("gains: %+v over %d seeds", gains.Share, gains.Seeds)
	}
	var text, table strings.Builder
	if err := study.PrintAblation(&text, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"84 training images, noise 1, single scans", "over 2 seeds", "+50.0 (+35.0 to +65.0)"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if err := study.WriteAblationCSV(&table, rows); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(table.String(), "\n")
	if !strings.HasPrefix(lines[2], "84,1,1,gains,2,1,0.5,") || strings.Count(lines[1], ",") != strings.Count(lines[0], ",") {
		t.Errorf("the CSV is\n%s", table.String())
	}
	old := ablated(1, "")
	old.Outcomes[1].Ranks = nil
	if _, err := study.Ablate([]study.Done{old}); err == nil || !strings.Contains(err.Error(), "seed 1 has no ranks") {
		t.Errorf("a cell without ranks: error %v", err)
	}
}

// TestSubjectsAreTheUnits expects intervals over subjects, each with the mean of its
// seeds, and not over seeds.
func TestSubjectsAreTheUnits(t *testing.T) {
	better := ablated(2, "s2")
	for i := range better.Outcomes {
		better.Outcomes[i].Top1 += .1
	}
	cells := []study.Done{ablated(1, "s1"), ablated(2, "s1"), better}
	for _, r := range study.Summarise(cells, "linear") {
		if r.Preset != "gains" {
			continue
		}
		// .5 of one subject and .6 of the other, whose t of 1 degree of freedom is 12.7
		if r.Subjects != 2 || r.Seeds != 2 || math.Abs(r.Top1.Mean-.55) > 1e-9 || r.Top1.High != 1 || math.Abs(r.Difference.Mean-.05) > 1e-9 {
			t.Errorf("row is %+v", r)
		}
	}
}
