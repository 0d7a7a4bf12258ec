package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/npy"
	"engram/index/local"
)

// experiment has one subject: a person with 300 voxels, each a weighted sum of
// the pixels of what is seen, plus noise.
type experiment struct {
	photos, voxels, stimuli string
	trials, rows            string // which image each trial saw, by name and by number
}

func newExperiment(t *testing.T) experiment {
	t.Helper()
	dir := t.TempDir()
	s := experiment{photos: writePhotos(t)}
	rng := rand.New(rand.NewPCG(1, 2))
	weights := make([][1024]float64, 300)
	for v := range weights {
		for p := range weights[v] {
			weights[v][p] = rng.NormFloat64()
		}
	}
	pixels := make([]uint8, 16*1024)
	voxels := make([]float32, 0, 32*300)
	names, numbers := "trial,image\n", "image\n"
	for trial := range 32 {
		seen := trial % 16
		image := pixels[seen*1024:][:1024]
		for p := range image {
			if x, y := p%32-seen%4*7, p/32-seen/4*7; x >= 0 && x < 10 && y >= 0 && y < 10 {
				image[p] = 250
			}
		}
		for v := range weights {
			var sum float64
			for p, value := range image {
				sum += weights[v][p] * float64(value)
			}
			voxels = append(voxels, float32(sum/250+rng.NormFloat64()))
		}
		names += fmt.Sprintf("%d,p%d%d.png\n", trial, seen/4, seen%4)
		numbers += fmt.Sprintln(seen)
	}
	s.voxels = writeNPY(t, filepath.Join(dir, "voxels.npy"), voxels, 32, 300)
	s.stimuli = writeNPY(t, filepath.Join(dir, "stimuli.npy"), pixels, 16, 32, 32)
	s.trials, s.rows = filepath.Join(dir, "trials.csv"), filepath.Join(dir, "rows.csv")
	writeFile(t, s.trials, []byte(names))
	writeFile(t, s.rows, []byte(numbers))
	return s
}

func TestTrainThenSearchByScan(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, index := filepath.Join(dir, "decoder"), filepath.Join(dir, "index")
	var got app.Card
	c.json(&got, "train", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--preset", "linear", "--out", decoder)
	if got.Trials != 32 || got.VoxelCount != 300 || got.Images != 16 || got.Model != "pixels 1" || got.Dim != 1024 || got.Parameters == 0 || got.Loss != nil {
		t.Errorf("card is %+v", got)
	}
	c.must("index", "build", s.photos, "--out", index)
	var found struct{ Hits []hit }
	c.json(&found, "search", "--index", index, "--scan", s.voxels, "--row", "6,22", "--decoder", decoder, "-k", "1")
	if want := filepath.Join(s.photos, "p12.png"); found.Hits[0].Path != want {
		t.Errorf("trials 6 and 22 saw p12.png, the scan finds %+v", found.Hits[0])
	}
	// Pearson's r of tokens is not calibrated, a likelihood is.
	calibrated := filepath.Join(dir, "calibrated")
	c.must("train", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--preset", "gaussian", "--out", calibrated)
	for folder, want := range map[string]bool{decoder: false, calibrated: true} {
		var answer struct {
			Stages struct{ Confidence *float64 }
		}
		scan := []string{"search", "--index", index, "--scan", s.voxels, "--row", "6,22", "--decoder", folder, "-k", "1"}
		c.json(&answer, scan...)
		if p := answer.Stages.Confidence; (p != nil) != want || p != nil && !(*p > 1./16 && *p < 1) {
			t.Errorf("%s: the confidence is %v, want one: %v", folder, p, want)
		}
		if text := c.must(scan...); strings.Contains(text, "\nconfidence 0.") != want || want && !strings.Contains(text, "among the 16 candidates") {
			t.Errorf("%s: search prints\n%s", folder, text)
		}
	}
	// Scans in other units give predictions that are surer than any that was calibrated.
	array, err := npy.ReadFile(s.voxels)
	if err != nil {
		t.Fatal(err)
	}
	scaled := slices.Clone(array.Float32s()[:300])
	for v := range scaled {
		scaled[v] *= 20
	}
	var far struct {
		Stages struct{ Confidence *float64 }
	}
	c.json(&far, "search", "--index", index, "--scan", writeNPY(t, filepath.Join(dir, "scaled.npy"), scaled, 300), "--decoder", calibrated)
	if far.Stages.Confidence != nil {
		t.Errorf("the confidence of a scan in other units is %v, want none", *far.Stages.Confidence)
	}
	// A decoder may be replaced.
	text := c.must("train", "--preset", "compact", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--epochs", "3", "--seed", "1", "--out", decoder)
	if !strings.Contains(text, "preset      compact, ") || !strings.Contains(text, "3 epochs, last loss ") {
		t.Errorf("the card is\n%s", text)
	}
	// Without a preset one is chosen, and the card says why.
	text = c.must("train", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--epochs", "3", "--out", decoder)
	if !strings.Contains(text, "\nchosen      ") || !strings.Contains(text, "\n            against ") {
		t.Errorf("the card is\n%s", text)
	}
}

// Images in a folder and in an array are the same stimuli.
func TestStimuliAsFilesAndAsArray(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	weights := map[string]string{}
	for name, args := range map[string][]string{
		"files": {"--stimuli", s.photos, "--trials", s.trials},
		"array": {"--stimuli", s.stimuli, "--trials", s.rows},
	} {
		out := filepath.Join(dir, name)
		c.must(append([]string{"train", "--voxels", s.voxels, "--preset", "linear", "--out", out}, args...)...)
		content, err := os.ReadFile(filepath.Join(out, "weights.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		weights[name] = string(content)
	}
	if weights["files"] != weights["array"] {
		t.Error("the decoders of stimuli.npy and of the folder differ")
	}
}

// Embeddings that were made before, here by engram index build, do for the images.
func TestTrainOnEmbeddings(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	out, decoder := filepath.Join(dir, "index"), filepath.Join(dir, "decoder")
	c.must("index", "build", s.photos, "--out", out)
	store, err := local.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	targets := make([]float32, 16*1024)
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		var row, column int
		if _, err := fmt.Sscanf(item.Payload["path"].(string), "p%1d%1d.png", &row, &column); err != nil {
			t.Fatal(err)
		}
		copy(targets[(4*row+column)*1024:], item.Vector)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	args := []string{"train", "--voxels", s.voxels, "--targets", writeNPY(t, filepath.Join(dir, "targets.npy"), targets, 16, 1024),
		"--trials", s.rows, "--preset", "linear", "--out", decoder}
	c.refuse([]string{"--targets needs --model"}, args...)
	c.must(append(args, "--model", "pixels")...)
	var found struct{ Hits []hit }
	c.json(&found, "search", "--index", out, "--scan", s.voxels, "--row", "6,22", "--decoder", decoder, "-k", "1")
	if want := filepath.Join(s.photos, "p12.png"); found.Hits[0].Path != want {
		t.Errorf("trials 6 and 22 saw p12.png, the scan finds %+v", found.Hits[0])
	}
}

func TestTrainRefuses(t *testing.T) {
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	out := file("decoder")
	voxels := make([]float32, 16*300)
	for i := range voxels {
		voxels[i] = float32(i % 7)
	}
	writeNPY(t, file("rows15.npy"), voxels[:15*300], 15, 300)
	voxels[3*300+9] = float32(math.Inf(1))
	writeNPY(t, file("inf.npy"), voxels, 16, 300)
	writeNPY(t, file("flat.npy"), voxels, 16*300)
	writeNPY(t, file("float.npy"), []float32{.5, 0, 0, 0}, 1, 2, 2)
	writeNPY(t, file("emb.npy"), make([]float32, 32), 16, 2)
	writeFile(t, file("bad.csv"), []byte("image\np00.png\nnothere.png\n"))
	writeFile(t, file("ragged.csv"), []byte("image,x\np00.png\n"))
	for name, test := range map[string]struct {
		want []string
		args []string
	}{
		"no stimuli":        {[]string{"wanted one of --stimuli and --targets"}, []string{"--voxels", s.voxels}},
		"other count":       {[]string{"rows15.npy has 15 trials", "tells of 16"}, []string{"--voxels", file("rows15.npy"), "--stimuli", s.stimuli}},
		"infinite voxel":    {[]string{"inf.npy: element 9 of row 3 is +Inf"}, []string{"--voxels", file("inf.npy"), "--stimuli", s.stimuli}},
		"one axis":          {[]string{"flat.npy has shape [4800], wanted rows"}, []string{"--voxels", file("flat.npy"), "--stimuli", s.stimuli}},
		"no folder":         {[]string{"nowhere", "no such file"}, []string{"--voxels", s.voxels, "--stimuli", file("nowhere")}},
		"fractional pixels": {[]string{"float.npy: image 0 has the value 0.5, wanted 0…255"}, []string{"--voxels", s.voxels, "--stimuli", file("float.npy")}},
		"voxels as images":  {[]string{"has shape [32 300], wanted [images, H, W]"}, []string{"--voxels", s.voxels, "--stimuli", s.voxels}},
		"targets of others": {[]string{"emb.npy has shape [16 2], the model gives 1 token(s) of 1024"}, []string{"--voxels", s.voxels, "--targets", file("emb.npy"), "--model", "pixels"}},
		"unknown image":     {[]string{`bad.csv: line 3: "nothere.png"`}, []string{"--voxels", s.voxels, "--stimuli", s.photos, "--trials", file("bad.csv")}},
		"ragged table":      {[]string{"ragged.csv", "wrong number of fields"}, []string{"--voxels", s.voxels, "--stimuli", s.photos, "--trials", file("ragged.csv")}},
		"unknown column":    {[]string{`no column "seen", it has trial, image`}, []string{"--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--column", "seen"}},
		"mask of an npy":    {[]string{"is no NIfTI file"}, []string{"--voxels", s.voxels, "--mask", "m.nii", "--stimuli", s.photos}},
		"NIfTI, no mask":    {[]string{"needs a mask"}, []string{"--voxels", "bold.nii.gz", "--stimuli", s.photos}},
		"bad numbers":       {[]string{"--epochs is -1", "--batch is -2", "--lr is NaN"}, []string{"--voxels", s.voxels, "--epochs", "-1", "--batch", "-2", "--lr", "NaN"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cli{t: t, args: c.args}
			c.refuse(test.want, append([]string{"train", "--out", out}, test.args...)...)
		})
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a refused training left %s (%v)", out, err)
	}
	c.refuse([]string{`preset "bogus" is not known`}, "train", "--out", out, "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--preset", "bogus")
	c.refuse([]string{"is not empty and holds no model"}, "train", "--out", s.photos, "--voxels", s.voxels, "--stimuli", s.photos)
	modelDir := filepath.Join(c.args[3], "models", "pixels-32")
	c.refuse([]string{"holds the model pixels 1 of kind features"}, "train", "--out", modelDir, "--voxels", s.voxels, "--stimuli", s.photos)
}

// A scan that does not fit the decoder, or a decoder that does not fit the
// index, is refused.
func TestSearchByScanRefuses(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, out, other := filepath.Join(dir, "decoder"), filepath.Join(dir, "index"), filepath.Join(dir, "other")
	c.must("train", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--preset", "linear", "--out", decoder)
	c.must("index", "build", s.photos, "--out", out)
	c.must("model", "import", pixelsModel(t), "--out", other, "--name", "other")
	c.must("index", "build", s.photos, "--model", other, "--out", filepath.Join(dir, "other.index"))
	short := writeNPY(t, filepath.Join(dir, "short.npy"), make([]float32, 299), 299)
	scan := []string{"--scan", s.voxels, "--row", "0"}
	c.refuse([]string{"short.npy: scan of 299 voxels, the decoder " + decoder + " takes 300"}, "search", "--index", out, "--scan", short, "--decoder", decoder)
	c.refuse([]string{"made with model other 1", "the query with pixels 1"}, append(scan, "search", "--index", filepath.Join(dir, "other.index"), "--decoder", decoder)...)
	c.refuse([]string{"is a model of kind features, want a decoder"}, append(scan, "search", "--index", out, "--decoder", other)...)
	c.refuse([]string{"nowhere: no such file"}, append(scan, "search", "--index", out, "--decoder", filepath.Join(dir, "nowhere"))...)
}
