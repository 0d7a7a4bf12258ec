package scan_test

import (
	"math"
	"slices"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

func missed(a, b blas32.General) (sum float64) {
	for i, x := range a.Data {
		sum += math.Pow(float64(x-b.Data[i]), 2)
	}
	return sum
}

// TestLeftOutPredictionsAreOfUnseenImages compares them with the decoder's predictions of
// the same scans, which it was fitted on, and with predictions of new scans.
func TestLeftOutPredictionsAreOfUnseenImages(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(60, 3, 60, 2)
	m, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	left, ok := m.LeftOut()
	if !ok || left.Predicted.Rows != 60 || left.Seen.Rows != 60 || len(left.Images) != 60 {
		t.Fatalf("%d images, predictions of %d and scores of %d, want 60 each", len(left.Images), left.Predicted.Rows, left.Seen.Rows)
	}
	d, err := m.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	parts, err := d.Components()
	if err != nil {
		t.Fatal(err)
	}
	if parts.Rank() != left.Seen.Cols {
		t.Errorf("%d components, and %d scores of an image", parts.Rank(), left.Seen.Cols)
	}
	means, seen, err := scan.Average(data.Voxels, data.Images, 3)
	if err != nil {
		t.Fatal(err)
	}
	fitted, err := d.Decode(t.Context(), means)
	if err != nil {
		t.Fatal(err)
	}
	for i, image := range seen {
		if left.Images[i] != image {
			t.Fatalf("row %d is image %d, want %d", i, left.Images[i], image)
		}
		target := blas32.General{Rows: 1, Cols: data.Targets.Cols, Stride: data.Targets.Cols, Data: data.Targets.Data[image*data.Targets.Stride:][:data.Targets.Cols]}
		scores := parts.Scores(target)
		if miss := missed(scores, blas32.General{Data: left.Seen.Data[i*left.Seen.Stride:]}); miss > 1e-6 {
			t.Fatalf("the scores of image %d differ by %v from the training's", image, miss)
		}
	}
	if own, unseen := missed(parts.Scores(fitted), left.Seen), missed(left.Predicted, left.Seen); own > .8*unseen {
		t.Errorf("scans that the ridge was fitted on are missed by %.3f, left out by %.3f: want clearly less", own, unseen)
	}
	again, err := parts.Tokens(t.Context(), parts.Scores(fitted))
	if err != nil {
		t.Fatal(err)
	}
	if miss := missed(again, fitted); miss > 1e-6*float64(len(fitted.Data)) {
		t.Errorf("predicted tokens change by %v along the components, want none", miss)
	}
}

func TestANetworkLeavesNoPredictions(t *testing.T) {
	m, err := scan.Train(t.Context(), orttest.Runtime(t), simulated(20, 2, 10, 1), scan.Options{Preset: scan.PresetCompact, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.LeftOut(); ok {
		t.Error("the tokens of a network are not the ridge's, which the left-out predictions are of")
	}
}

// A linear decoder that nobody searches with is spared its left-out predictions, and is the
// same else.
func TestAnUnservedRidgeLeavesNoPredictions(t *testing.T) {
	rt, data := orttest.Runtime(t), simulated(30, 2, 10, 1)
	served, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := served.LeftOut(); !ok {
		t.Error("a ridge that is served has left-out predictions")
	}
	unserved, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear, Unserved: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := unserved.LeftOut(); ok {
		t.Error("nobody needs the left-out predictions of a ridge that is not served")
	}
	for name, values := range unserved.Values {
		if !slices.Equal(values, served.Values[name]) {
			t.Errorf("the array %s differs", name)
		}
	}
}
