package main

import (
	"bytes"
	"image/png"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/mindeye"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/scan"

	"github.com/google/go-cmp/cmp"
)

// simulate writes, in MindEye's layout, the scans of a simulated subject of 400
// voxels who saw 160 training scenes, 20 validation scenes and 300 test scenes
// three times each, and returns the folder.
func simulate(t *testing.T) string {
	t.Helper()
	const size, training, test = 64, 180, 300
	world := scenes.New(1)
	var all []scenes.Scene
	r := scanner.Recording{Seed: 3}
	var images []int
	for i := range training + test {
		split, number := scenes.Train, i
		if i >= training {
			split, number = scenes.Test, i-training
			r.Shared = append(r.Shared, i)
		}
		all = append(all, world.Scene(split, uint64(number)))
		images = append(images, i)
	}
	stimuli := scanner.Stimuli{Count: len(all), At: func(i int) (*scanner.Stimulus, error) {
		return scanner.OfScene(&all[i], size), nil
	}}
	reference := stimuli
	reference.Count = 100
	subject, err := scanner.New(scanner.Options{Seed: 1, Voxels: 400}, reference)
	if err != nil {
		t.Fatal(err)
	}
	if r.Responses, err = subject.Responses(stimuli); err != nil {
		t.Fatal(err)
	}
	if r.Trials, err = (scanner.Schedule{Seed: 2}).Trials(images); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = subject.WriteTars(dir, r, scanner.Tars{Subject: 1, Validation: 20, Picture: func(image int) (string, []byte, error) {
		var file bytes.Buffer
		err := png.Encode(&file, all[image].Draw(size))
		return "png", file.Bytes(), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A simulated subject's scans are written as MindEye's tars, train a decoder and
// are scored. The subject's noise is known, and the decoder sees single trials in
// training and the mean of three in the table.
func TestFromTarsToScores(t *testing.T) {
	c, dir := newCLI(t), simulate(t)
	decoder := filepath.Join(t.TempDir(), "decoder")
	data := []string{"--mindeye", dir, "--model", app.Pixels}
	var card app.Card
	c.json(&card, append(data, "train", "--preset", "linear", "--out", decoder)...)
	if card.Trials != 540 || card.VoxelCount != 400 || card.Images != 180 || !strings.HasSuffix(card.Scans, "train and val: 180 samples, 540 trials of 400 voxels, 180 images") {
		t.Errorf("card is %+v", card)
	}
	var of, by app.Scores
	c.json(&of, append(data, "eval", "--decoder", decoder)...)
	c.json(&by, append(data, "eval", "--presets", "linear", "--gallery", "50,300")...)
	if !strings.HasSuffix(of.Scans, "test: 300 samples, 900 trials of 400 voxels, 300 images") || of.Images != 300 {
		t.Errorf("%d images were scored of %s", of.Images, of.Scans)
	}
	got, want := of.Scores[0], by.Scores[0]
	got.Decoder, got.Seconds, want.Decoder, want.Seconds = "", 0, "", 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a preset (-) and the decoder trained of it (+):\n%s", diff)
	}
	if got.Trials != 300 || got.TwoWay < .7 || got.ImageTop1 < 3*got.Chance {
		t.Errorf("the decoder scores %+v, want far above chance", got)
	}
	checkRepeats(t, of, got)
	if len(by.Galleries) != 6 || by.Galleries[4].Size != 50 || by.Galleries[4].Top1.Share <= by.Galleries[5].Top1.Share {
		t.Errorf("galleries are %+v, want 50 images to be easier than 300", by.Galleries)
	}
	// Half of the voxels have an ncsnr above .4 over the reference scenes.
	if l := of.Ceiling; l == nil || l.Images != 300 || l.Repeats != 3 || l.Voxels != 400 || math.Abs(l.NCSNR-.4) > .06 || l.SpearmanBrown < .1 {
		t.Errorf("noise ceiling is %+v (%s), want ncsnr .4", l, of.NoCeiling)
	}
	text := c.must(append(data, "eval", "--decoder", decoder)...)
	for _, want := range []string{"top-1 of 300    " + decoder + ", 3 repeats, mean of 30 draws: image ", "noise ceiling   median of 400 voxels, 300 images × 3 repeats: ncsnr 0."} {
		if !strings.Contains(text, want) {
			t.Errorf("eval prints\n%s\nwant %q in it", text, want)
		}
	}
}

// checkRepeats wants a line for each number of repeats, more averaged repeats to
// be better, and the last to be the decoder's score.
func checkRepeats(t *testing.T, s app.Scores, score app.Score) {
	t.Helper()
	var top []float64
	for _, g := range s.Galleries {
		top = append(top, g.Top10.Share)
	}
	if len(top) != 3 || top[2] <= top[0] || s.Galleries[2].Top1.Share != score.ImageTop1 {
		t.Errorf("top 10 by 1, 2 and 3 repeats is %.3f, top 1 by 3 %v; want them to rise to %v", top, s.Galleries[2].Top1, score.ImageTop1)
	}
	// 300 of 300 images are the same in every draw. MindEye's cosine is reported too.
	if len(s.Published) != 6 || s.Published[5].Similarity != scan.SimilarityCosine {
		t.Fatalf("published scores are %+v, want two similarities of 1, 2 and 3 repeats", s.Published)
	}
	s.Published = slices.DeleteFunc(s.Published, func(p app.PublishedScore) bool { return p.Similarity != scan.SimilarityDecoder })
	if len(s.Published) != 3 || math.Abs(s.Published[2].Image.Mean-score.ImageTop1) > 1e-9 || math.Abs(s.Published[2].Brain.Mean-score.BrainTop1) > 1e-9 {
		t.Errorf("published scores are %+v, want the last to be %+v", s.Published, score)
	}
}

func TestMindEyeRefuses(t *testing.T) {
	c, dir := newCLI(t), t.TempDir()
	out := filepath.Join(dir, "decoder")
	c.refuse([]string{"no tars of MindEye"}, "train", "--mindeye", dir, "--out", out)
	c.refuse([]string{"--mindeye and --voxels are given"}, "train", "--mindeye", dir, "--voxels", "v.npy", "--out", out)
	c.refuse([]string{"wanted --voxels or --mindeye, found none"}, "train", "--out", out)
	c.refuse([]string{"--folds and --mindeye are given"}, "eval", "--mindeye", dir, "--folds", "3")
	s := newExperiment(t)
	data := []string{"eval", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials}
	c.refuse([]string{"--gallery is [3 17], wanted sizes from 1 to the 8 images"}, append(data, "--folds", "2", "--gallery", "3,17")...)
}

// The images of training and test must differ.
func TestLeaksAreRefused(t *testing.T) {
	c, dir := newCLI(t), t.TempDir()
	sample := func(number int) *mindeye.Sample {
		var file bytes.Buffer
		scene := scenes.New(1).Scene(scenes.Train, uint64(number))
		if err := png.Encode(&file, scene.Draw(32)); err != nil {
			t.Fatal(err)
		}
		return &mindeye.Sample{
			Number: number, Format: "png", Picture: file.Bytes(), Repeats: 1, Voxels: []float32{float32(number), 1},
			Trials: []int64{0}, COCO73K: int64(number), Uniques: 1,
		}
	}
	for split, numbers := range map[string][]int{mindeye.Train: {1, 2, 3, 4}, mindeye.Test: {4, 5}} {
		path := filepath.Join(dir, mindeye.TarName(split, 1, 0))
		writeFile(t, path, nil) // and its folder
		err := mindeye.WriteFile(path, func(yield func(*mindeye.Sample, error) bool) {
			for _, number := range numbers {
				if !yield(sample(number), nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, stderr, status := c.run("eval", "--mindeye", dir, "--presets", "linear")
	if status != 1 || !strings.Contains(stderr, "image 4 of the 73,000 is in test and in train") {
		t.Errorf("status %d, stderr %q, want the image that is in both", status, stderr)
	}
}
