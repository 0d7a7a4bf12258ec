package scan_test

import (
	"math"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
)

// Scaling one token of a prediction changes the cosine of flattened tokens and not the
// mean of the tokens' own cosines; every similarity is named in the comparison.
func TestSimilaritiesByName(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 2, 40, 3)
	model, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := model.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	got, err := scan.CompareAverages(t.Context(), decoder, data, scan.Averages{Repeats: 1, Similarities: scan.Similarities()})
	if err != nil {
		t.Fatal(err)
	}
	again := data
	again.Targets.Data = append([]float32(nil), data.Targets.Data...)
	for i := range again.Targets.Rows { // the first token of each image is longer
		for j := range data.D {
			again.Targets.Data[i*again.Targets.Stride+j] *= 3
		}
	}
	scaled, err := scan.CompareAverages(t.Context(), decoder, again, scan.Averages{Repeats: 1, Similarities: scan.Similarities()})
	if err != nil {
		t.Fatal(err)
	}
	for k, name := range scan.Similarities() {
		if got[k].Name != name || got[k].Repeats != 1 {
			t.Errorf("comparison %d is %q", k, got[k].Name)
		}
		same := math.Abs(got[k].Similarity.At(0, 1)-scaled[k].Similarity.At(0, 1)) < 1e-6
		if same != (name == scan.SimilarityTokens) {
			t.Errorf("%s: %v, with a longer token %v", name, got[k].Similarity.At(0, 1), scaled[k].Similarity.At(0, 1))
		}
	}
	// A ridge's own metric is Pearson's r.
	if d, p := got[0].Similarity.At(2, 3), got[1].Similarity.At(2, 3); math.Abs(d-p) > 1e-5 {
		t.Errorf("the decoder's metric is %v, Pearson's r %v", d, p)
	}
	if _, err := scan.CompareAverages(t.Context(), decoder, data, scan.Averages{Repeats: 1, Similarities: []string{"nearness"}}); err == nil {
		t.Error("an unknown similarity is computed")
	}
}
