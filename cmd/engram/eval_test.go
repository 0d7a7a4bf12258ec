package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
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
	if text := strings.Join(table, "\n"); !strings.Contains(text, "\npublished       compact among all images seen, trained ones too: two-way ") {
		t.Errorf("eval prints\n%s", text)
	}
	if len(table) < 4 || table[3] != "" || !strings.HasPrefix(table[1], "linear ") || !strings.HasPrefix(table[2], "compact ") {
		t.Errorf("the table is %q, want a header, a line for each preset and an empty one", table)
	}
}

func TestEvalRefuses(t *testing.T) {
	c, s := newCLI(t), newExperiment(t)
	data := []string{"eval", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials}
	c.refuse([]string{"wanted 2 to 16 folds of 16 images, found 17"}, append(data, "--folds", "17")...)
	c.refuse([]string{"--folds is 9, wanted 8 at most: of 16 images seen a fold holds out one"}, append(data, "--folds", "9")...)
	c.refuse([]string{"--presets names none"}, append(data, "--presets", "")...)
	nowhere := []string{"eval", "--voxels", "nowhere.npy", "--stimuli", s.photos} // names are looked at before files
	c.refuse([]string{"--presets names linear twice"}, append(nowhere, "--presets", "linear,linear")...)
	c.refuse([]string{"--presets: ", "nearest"}, append(nowhere, "--presets", "nearest")...)
	c.refuse([]string{"--html: wanted a file, ", " is a folder"}, append(data, "--html", t.TempDir())...)
	c.refuse([]string{"--predictions takes those of one preset"}, append(data, "--predictions", "p.npy")...)
	c.refuse([]string{"--predictions: ", "/nowhere: no such file"}, append(data, "--presets", "linear", "--predictions", "/nowhere/p.npy")...)
	decoder, other := filepath.Join(t.TempDir(), "decoder"), filepath.Join(t.TempDir(), "other")
	c.must("model", "import", pixelsModel(t), "--out", other, "--name", "other")
	c.must(append([]string{"train", "--preset", "linear", "--model", other, "--out", decoder}, data[1:]...)...)
	c.refuse([]string{"predicts the space of other 1, --model is pixels 1"}, append(data, "--decoder", decoder)...)
}

// One person sees 90 handwritten sixes and nines (van Gerven et al. 2010). The
// same ridge in NumPy identifies .95 of the pairs in pixel space.
func TestEvalOfRealDigits(t *testing.T) {
	t.Parallel()
	dir := realtest.Path(t, "scans/digits69")
	c := newCLI(t)
	var got app.Scores
	c.json(&got, "eval", "--voxels", filepath.Join(dir, "voxels.npy"), "--stimuli", filepath.Join(dir, "stimuli.npy"), "--presets", "linear")
	if s := got.Scores[0]; s.Trials != 90 || math.Abs(s.TwoWay-.95) > .01 || math.Abs(s.AmongTrained.TwoWay-.95) > .01 || math.Abs(s.Chance-1./9) > 1e-9 {
		t.Errorf("scores are %+v, want two-way .95 within .01 in folds of 9 images and among all", s)
	}
	for _, set := range got.Sets {
		if want := map[string]int{app.AmongFold: 9, app.AmongTrained: 90}[set.Among]; set.Candidates != want {
			t.Errorf("among %q there are %d candidates, want %d", set.Among, set.Candidates, want)
		}
	}
}

// A decoder that knows its trials finds every image, although each was seen three
// times, among the images of the data and among all images of an index.
func TestEvalAmongTheImagesOfAnIndex(t *testing.T) {
	t.Parallel()
	c, photos, dir := newCLI(t), writePhotos(t), t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	var scans []float32
	trials := "image\n"
	patterns := make([]float32, 16*60)
	for i := range patterns {
		patterns[i] = float32(rng.NormFloat64())
	}
	for trial := range 48 {
		for _, v := range patterns[trial%16*60:][:60] {
			scans = append(scans, v+.001*float32(rng.NormFloat64()))
		}
		trials += fmt.Sprintf("p%d%d.png\n", trial%16/4, trial%4)
	}
	voxels, table := writeNPY(t, filepath.Join(dir, "voxels.npy"), scans, 48, 60), filepath.Join(dir, "trials.csv")
	writeFile(t, table, []byte(trials))
	data := []string{"--voxels", voxels, "--stimuli", photos, "--trials", table}
	decoder := filepath.Join(dir, "decoder")
	c.must(append(data, "train", "--preset", "linear", "--out", decoder)...)

	more := filepath.Join(dir, "more") // the images under other names, and others
	for i := range 12 {
		writePNG(t, filepath.Join(more, fmt.Sprintf("other%d.png", i)), i, 22)
	}
	for i := range 15 { // p33.png is not there
		writePNG(t, filepath.Join(more, fmt.Sprintf("seen/%d.png", i)), i%4*7, i/4*7)
	}
	index, corner := filepath.Join(dir, "index"), filepath.Join(dir, "corner.txt")
	c.must("index", "build", photos, "--out", index)
	writeFile(t, corner, []byte("p00.png\np11.png\n"))
	for gallery, want := range map[string]struct {
		size  int
		says  string
		warns int
	}{
		index: {16, "16 items: 16 of 16 images seen found, 16 by path and 0 by their vector", 0},
		more:  {27, "27 items: 15 of 16 images seen found, 0 by path and 15 by their vector", 1},
	} {
		var got app.Scores
		stdout, stderr, status := c.run(append(data, "eval", "--decoder", decoder, "--gallery-index", gallery, "--subset", "corner="+corner, "--json")...)
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 {
			t.Fatalf("status %d, %v: %s", status, err, stderr)
		}
		if s := got.Scores[0]; s.Trials != 48 || s.ImageTop1 != 1 || s.BrainTop1 != 1 || s.TwoWay != 1 || s.Chance != 1./16 {
			t.Errorf("the decoder of these trials scores %+v, want 1", s)
		}
		for _, r := range got.Sets {
			if r.TwoWay.Mean != 1 || r.ImageTop1.Share != 1 || r.BrainTop1.Share != 1 {
				t.Errorf("one prediction for each image, %d repeats: %+v, want 1", r.Repeats, r)
			}
		}
		part := got.Galleries[len(got.Galleries)-1]
		if part.Set != "corner" || part.Top1.Share != 1 || part.Size != want.size || part.Top1.Low > .35 {
			t.Errorf("the subset as served is %+v, want 2 scans found first", part)
		}
		last := got.Galleries[len(got.Galleries)-2]
		if last.Size != want.size || last.Top1.Share != 1 || last.Index == "" || last.Ranked != "all tokens of all items, pearson" || !strings.HasSuffix(got.Gallery, want.says) || len(got.Warnings) != want.warns {
			t.Errorf("%s: %+v, %q, warnings %q; want %+v", gallery, last, got.Gallery, got.Warnings, want)
		}
	}
	// A filter on the payload chooses the same images as the file.
	var got app.Scores
	filtered := append(data, "eval", "--decoder", decoder, "--gallery-index", index)
	c.json(&got, append(filtered, "--subset", `corner={"key":"path","in":["p00.png","p11.png"]}`)...)
	part := got.Galleries[len(got.Galleries)-1]
	if part.Set != "corner" || part.Top1.Share != 1 || got.Sets[1].Set != "corner" || got.Sets[1].Predictions != 2 {
		t.Errorf("the subset of a filter is %+v as served, %+v among all", part, got.Sets[1])
	}
	c.refuse([]string{"--subset x: filter"}, append(filtered, "--subset", `x={"key":1}`)...)
	text := c.must(append(data, "eval", "--decoder", decoder, "--gallery-index", index)...)
	if !strings.Contains(text, "16 of index, all tokens of all items, pearson ") || !strings.Contains(text, "\ngallery         "+index) {
		t.Errorf("eval prints\n%s", text)
	}
	c.refuse([]string{"--gallery-index needs --decoder or --mindeye"}, append(data, "eval", "--gallery-index", index)...)
	writePNG(t, filepath.Join(dir, "none", "x.png"), 3, 20)
	_, stderr, status := c.run(append(data, "eval", "--decoder", decoder, "--gallery-index", filepath.Join(dir, "none"))...)
	if status != 1 || !strings.Contains(stderr, "none of the 16 images seen is in the index") {
		t.Errorf("status %d, stderr %s", status, stderr)
	}
}
