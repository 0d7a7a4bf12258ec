package prior_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/scan"
	"engram/recon/prior"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/floats"
)

// nearness is a likelihood of scores that are their own coordinates.
type nearness struct{}

func (nearness) MapScores(scores blas32.General) (blas32.General, error) { return scores, nil }

func (nearness) QueryScores(predicted []float32, repeats int) ([]float32, error) {
	out := make([]float32, len(predicted))
	for k, x := range predicted {
		out[k] = x * float32(repeats)
	}
	return out, nil
}

func (nearness) Offsets(coordinates blas32.General, repeats int) []float32 {
	out := make([]float32, coordinates.Rows)
	for i := range out {
		for _, x := range coordinates.Data[i*coordinates.Stride:][:coordinates.Cols] {
			out[i] -= float32(repeats) * x * x / 2
		}
	}
	return out
}

func (nearness) Score(query []float32, coordinates blas32.General, offsets []float32) ([]float32, error) {
	out := make([]float32, coordinates.Rows)
	for i := range out {
		out[i] = offsets[i] + float32(blas32.DDot(
			blas32.Vector{N: len(query), Inc: 1, Data: query}, blas32.Vector{N: len(query), Inc: 1, Data: coordinates.Data[i*coordinates.Stride:]}))
	}
	return out, nil
}

// leftOut are pairs as a training leaves them.
func leftOut() scan.LeftOut {
	predicted, seen := pairs(80, .5, 5)
	return scan.LeftOut{Predicted: predicted, Seen: seen}
}

func TestRecallGoesFurtherTowardsTheLikelyImage(t *testing.T) {
	left := leftOut()
	a, err := prior.Fit(t.Context(), left)
	if err != nil {
		t.Fatal(err)
	}
	a.Recall = prior.Recall{Sharpness: 50, Share: 1} // the likeliest image alone
	image := matrix(6, left.Seen.Data[:6]...)
	of := prior.Predictions{Scores: image, Repeats: []int{3}}
	recalled, err := a.Align(t.Context(), of, nearness{})
	if err != nil {
		t.Fatal(err)
	}
	if miss := missing(recalled, image); miss > 1e-6 {
		t.Errorf("the scores of a training image are recalled with the error %v, want none", miss)
	}
	linear, err := a.Align(t.Context(), of, nil)
	if err != nil {
		t.Fatal(err)
	}
	if miss := missing(linear, image); miss < .1 {
		t.Errorf("without a likelihood the error is %v, want the linear alignment's", miss)
	}
	// By tokens alone the image itself is the likeliest, by captions another one.
	of.Captions = [][]float32{make([]float32, left.Seen.Rows)}
	of.Captions[0][7] = 1e4
	for want, captions := range map[int][][]float32{0: nil, 7: of.Captions} {
		of.Captions = captions
		weights, err := a.Weights(t.Context(), of, nearness{})
		if err != nil {
			t.Fatal(err)
		}
		if at := floats.MaxIdx(weights[0]); at != want || math.Abs(floats.Sum(weights[0])-1) > 1e-9 {
			t.Errorf("image %d has most of the weight %v, want image %d and 1", at, floats.Sum(weights[0]), want)
		}
	}
	of.Captions = [][]float32{{1}}
	if _, err := a.Weights(t.Context(), of, nearness{}); err == nil || !strings.Contains(err.Error(), "found 1") {
		t.Errorf("the likelihood of one caption: %v", err)
	}
	of.Captions = nil
	of.Repeats = nil
	if _, err := a.Align(t.Context(), of, nearness{}); err == nil || !strings.Contains(err.Error(), "wanted the scans of each of 1 predictions") {
		t.Errorf("predictions without their scans: %v", err)
	}
}

func TestAlignmentsAreReadAsTheyWereWritten(t *testing.T) {
	a, err := prior.Fit(t.Context(), leftOut())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := prior.Open(dir, "one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a decoder without an alignment: %v", err)
	}
	if err := a.Save(dir, "one"); err != nil {
		t.Fatal(err)
	}
	read, err := prior.Open(dir, "one")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, read); diff != "" {
		t.Errorf("the alignment changed (-written +read):\n%s", diff)
	}
	if _, err := prior.Open(dir, "other"); !errors.Is(err, prior.ErrOther) {
		t.Errorf("the alignment of another decoder: %v", err)
	}
	arrays := filepath.Join(dir, prior.Folder, "alignment.safetensors")
	content, err := os.ReadFile(arrays)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(arrays, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := prior.Open(dir, "one"); err == nil || !strings.Contains(err.Error(), "damaged or was replaced") {
		t.Errorf("a damaged alignment: %v", err)
	}
	if err := prior.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := prior.Open(dir, "one"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed alignment: %v", err)
	}
}
