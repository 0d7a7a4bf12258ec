package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/npy"
	"engram/data/realtest"

	"github.com/google/go-cmp/cmp"
)

func TestEvalCrossValidatesAndScoresADecoder(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	data := []string{"--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials}
	predictions := filepath.Join(dir, "p.npy")
	var got app.Scores
	c.json(&got, append(data, "eval", "--presets", "linear", "--folds", "4", "--predictions", predictions)...)
	if len(got.Scores) != 1 || got.Scores[0].Decoder != "linear" || got.Scores[0].Trials != 32 || got.Scores[0].TwoWay < .6 {
		t.Errorf("scores are %+v, want linear on 32 trials above chance", got.Scores)
	}
	array, err := npy.ReadFile(predictions)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{32, 1, 1024}, array.Shape); diff != "" {
		t.Errorf("predictions (-want +got):\n%s", diff)
	}
	crossValidated := got.Scores[0]

	decoder := filepath.Join(dir, "decoder")
	c.must(append(data, "train", "--preset", "linear", "--out", decoder)...)
	c.json(&got, append(data, "eval", "--decoder", decoder)...)
	if seen := got.Scores[0]; seen.TwoWay < crossValidated.TwoWay || seen.TwoWay < .95 {
		t.Errorf("on the trials it was trained on the decoder scores %+v, held out %+v", seen, crossValidated)
	}
	table := strings.Split(c.must(append(data, "eval", "--presets", "linear,compact", "--epochs", "2", "--folds", "2")...), "\n")
	if len(table) < 4 || table[3] != "" || !strings.HasPrefix(table[1], "linear ") || !strings.HasPrefix(table[2], "compact ") {
		t.Errorf("the table is %q, want a header, a line for each preset and an empty one", table)
	}
}

func TestEvalRefuses(t *testing.T) {
	c, s := newCLI(t), newExperiment(t)
	data := []string{"eval", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials}
	c.refuse([]string{"wanted 2 to 16 folds of 16 images, found 17"}, append(data, "--folds", "17")...)
	c.refuse([]string{"--presets names none"}, append(data, "--presets", "")...)
	c.refuse([]string{"--predictions takes those of one preset"}, append(data, "--predictions", "p.npy")...)
	c.refuse([]string{"--predictions: ", "/nowhere: no such file"}, append(data, "--presets", "linear", "--predictions", "/nowhere/p.npy")...)
	decoder, other := filepath.Join(t.TempDir(), "decoder"), filepath.Join(t.TempDir(), "other")
	c.must("bundle", "wrap", pixelsModel(t), "--out", other, "--name", "other")
	c.must(append([]string{"train", "--preset", "linear", "--bundle", other, "--out", decoder}, data[1:]...)...)
	c.refuse([]string{"predicts the space of other 1, --bundle is pixels 1"}, append(data, "--decoder", decoder)...)
}

// One person sees 90 handwritten sixes and nines (van Gerven et al. 2010). The
// same ridge in NumPy identifies .95 of the pairs in pixel space.
func TestEvalOfRealDigits(t *testing.T) {
	t.Parallel()
	dir := realtest.Path(t, "scans/digits69")
	c := newCLI(t)
	var got app.Scores
	c.json(&got, "eval", "--voxels", filepath.Join(dir, "voxels.npy"), "--stimuli", filepath.Join(dir, "stimuli.npy"), "--presets", "linear")
	if s := got.Scores[0]; s.Trials != 90 || math.Abs(s.TwoWay-.95) > .01 {
		t.Errorf("scores are %+v, want two-way .95 within .01", s)
	}
}
