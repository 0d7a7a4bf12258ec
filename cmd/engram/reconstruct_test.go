package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed/pixels"
	"engram/recon"
)

// seenScans are the files of a subject who looked at scenes, with a decoder.
type seenScans struct {
	voxels, trials, stimuli string // of the test scenes
	train                   string // folder of the scenes that the decoder was trained on
	decoder, index          string // the index has the test scenes
	trainScans              scans  // that the decoder was trained on
}

func newSeenScans(t *testing.T, c *cli, tested int) seenScans {
	t.Helper()
	dir, world := t.TempDir(), scenes.New(1)
	draw := func(split scenes.Split, name string, n int) (list []scenes.Scene, folder string) {
		folder = filepath.Join(dir, name)
		for i := range n {
			list = append(list, world.Scene(split, uint64(i)))
		}
		if err := scenes.WriteFolder(t.Context(), scenes.Folder{Dir: folder, Name: name, Size: 64}, list); err != nil {
			t.Fatal(err)
		}
		return list, folder
	}
	train, trainFolder := draw(scenes.Train, "train", 60)
	test, testFolder := draw(scenes.Test, "test", tested)
	voxels := scanScenes(t, filepath.Join(dir, "scans"), train, test)
	s := seenScans{
		voxels: voxels.test, trials: filepath.Join(filepath.Dir(voxels.test), "trials.csv"), stimuli: testFolder, train: trainFolder, trainScans: voxels,
		decoder: filepath.Join(dir, "decoder"), index: filepath.Join(dir, "index"),
	}
	c.must("train", "--voxels", voxels.train, "--trials", voxels.trials, "--stimuli", trainFolder,
		"--model", "scenes-clip", "--preset", "linear", "--out", s.decoder)
	c.must("index", "build", testFolder, "--model", "scenes-clip", "--out", s.index)
	return s
}

// checkPNG checks that a picture is there and has a size.
func checkPNG(t *testing.T, path string, side int) {
	t.Helper()
	img, err := pixels.DecodeFile(t.Context(), path, pixels.Limits{})
	if err != nil || side > 0 && (img.W != side || img.H != side) {
		t.Errorf("%s: %v, want a picture of %d pixels a side", path, err, side)
	}
}

func TestReconstructATestSet(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, out := newSeenScans(t, c, 3), filepath.Join(t.TempDir(), "pictures")
	preview := filepath.Join(t.TempDir(), "now.png")
	args := []string{
		"reconstruct", "--voxels", s.voxels, "--trials", s.trials, "--stimuli", s.stimuli, "--decoder", s.decoder, "--out", out,
		"--index", s.index, "--prior", "linear", "--start", "nearest", "--strength", ".9", "--method", "unipc", "--steps", "6",
		"--candidates", "2", "--batch", "2", "--true", "--features", "scenes-clip", "--preview", preview,
	}
	// A picture that cannot be written ends the run, and what was finished before stays.
	names := scanNames(t, s.trials)
	hindered := filepath.Join(out, "reconstructed", names[1]+".png")
	if err := os.MkdirAll(filepath.Join(hindered, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, stderr, status := c.run(args...)
	if status != 1 || !strings.Contains(stderr, names[1]+".png: ") || !strings.Contains(stderr, "the same command goes on there") {
		t.Errorf("a picture that cannot be written: status %d, %s", status, stderr)
	}
	first := filepath.Join(out, "scans", names[0]+".json")
	before, err := os.Stat(first)
	if err != nil {
		t.Fatalf("the first scan is not finished: %v", err)
	}
	if _, err := os.Stat(filepath.Join(out, "scans", names[1]+".json")); !os.IsNotExist(err) {
		t.Errorf("the second scan is finished: %v", err)
	}
	if err := os.RemoveAll(hindered); err != nil {
		t.Fatal(err)
	}
	// What a run that was killed was writing is no picture, and goes.
	left := filepath.Join(out, "candidates", "."+names[1]+"-0.png.123456.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}

	var made app.Reconstructed
	c.json(&made, args...)
	if made.Scans != 3 || made.Made != 2 || len(made.Sheets) != 1 {
		t.Errorf("%+v, want 2 made of 3", made)
	}
	if after, err := os.Stat(first); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the first scan was made again: %v", err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("a file that was being written is still there: %v", err)
	}
	for _, name := range names {
		for _, folder := range []string{"reconstructed", "true", "seen", "nearest", "start"} {
			checkPNG(t, filepath.Join(out, folder, name+".png"), 64)
		}
		checkPNG(t, filepath.Join(out, "candidates", name+"-1.png"), 64)
	}
	checkPNG(t, made.Sheets[0], 0)
	checkPNG(t, preview, 0)
	found := map[string]app.PictureScores{}
	for _, score := range made.Scores {
		found[score.Pictures] = score
		if score.Count != 3 || !(score.PixCorr.Low <= score.PixCorr.Mean && score.PixCorr.Mean <= score.PixCorr.High) || len(score.Features) != 1 {
			t.Errorf("%s: %+v", score.Pictures, score)
		}
	}
	bound := found["true"]
	if len(found) != 4 || bound.PixCorr.Mean < .7 || bound.Features[0].TwoWay < .9 || bound.Features[0].Distance > .4 {
		t.Errorf("scores are %+v, want four ways, and pictures of the true tokens like what was seen", made.Scores)
	}

	checkPublished(t, c, out)

	// Nothing but the prior tells these choices apart.
	unaligned := slices.Clone(args)
	unaligned[slices.Index(unaligned, "linear")] = "none"
	c.refuse([]string{"made otherwise", `"tokens": "`}, unaligned...)

	table := c.must(args...)
	if !strings.Contains(table, "scans 3 (3 there before)") || !strings.Contains(table, "two-way") {
		t.Errorf("a run with nothing to do prints %s", table)
	}
	c.refuse([]string{"made otherwise", `"steps": 6, wanted "steps": 5`, "choose another --out"}, append(args, "--steps", "5")...)
}

// scanNames returns the names of scans: images in the order in which they were seen
// first.
func scanNames(t *testing.T, trials string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(trials)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		for cell := range strings.SplitSeq(strings.TrimSpace(line), ",") {
			if base, ok := strings.CutSuffix(filepath.Base(cell), ".png"); ok && !seen[base] {
				seen[base] = true
				names = append(names, fmt.Sprintf("%04d-%s", len(names), base))
			}
		}
	}
	return names
}

func TestReconstructWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, out := newSeenScans(t, c, 2), filepath.Join(t.TempDir(), "one")
	var made app.Reconstructed
	c.json(&made, "reconstruct", "--voxels", s.voxels, "--row", "2,4", "--decoder", s.decoder, "--out", out, "--steps", "2", "--candidates", "1")
	if made.Scans != 1 || made.Made != 1 || made.Scores != nil {
		t.Errorf("%+v, want one scan without scores", made)
	}
	checkPNG(t, filepath.Join(out, "reconstructed", "0002.png"), 64)
	for _, folder := range []string{"seen", "start", "blurry", "nearest", "true"} {
		if _, err := os.Stat(filepath.Join(out, folder)); !os.IsNotExist(err) {
			t.Errorf("there is a folder %s, for which there are no pictures: %v", folder, err)
		}
	}

	far := writeNPY(t, filepath.Join(t.TempDir(), "far.npy"), slices.Repeat([]float32{1e3}, 500), 1, 500)
	_, stderr, status := c.run("reconstruct", "--voxels", far, "--decoder", s.decoder, "--out", filepath.Join(t.TempDir(), "far"), "--steps", "1", "--candidates", "1")
	if status != 0 || !strings.Contains(stderr, "1 of 1 scans lie far from the training trials") {
		t.Errorf("a scan in other units: status %d, %s", status, stderr)
	}

	// A run that is cancelled in its second scan leaves the first one finished.
	spec := app.ReconstructionsSpec{Data: app.Dataset{Voxels: s.voxels}, Decoder: s.decoder, Out: filepath.Join(t.TempDir(), "all")}
	spec.Steps, spec.Candidates, spec.Batch = 2, 1, 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := newConsole(t, io.Discard).app().Reconstructions(ctx, spec, func(r progress.Report) {
		if r.Stage == recon.ReconstructingStage && r.Done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if says, want := interruption(err), "interrupted: what is finished is in "+spec.Out+", and the same command goes on there"; says != want {
		t.Errorf("cancelled: the command says %q, want %q", says, want)
	}
	c.json(&made, "reconstruct", "--voxels", s.voxels, "--decoder", s.decoder, "--out", spec.Out, "--steps", "2", "--candidates", "1", "--batch", "1")
	if made.Scans != 6 || made.Made != 5 {
		t.Errorf("%+v, want 5 made of 6", made)
	}

	base := []string{"reconstruct", "--voxels", s.voxels, "--decoder", s.decoder, "--out", filepath.Join(t.TempDir(), "none")}
	for says, args := range map[string][]string{
		"--steps is 0, wanted 1 or more":                          {"--steps", "0"},
		"found 1001":                                              {"--steps", "1001"},
		"--strength is 1.5, wanted":                               {"--strength", "1.5", "--start", "x"},
		"--strength is 0, wanted":                                 {"--strength", "0", "--start", "x"},
		"--strength needs --start":                                {"--strength", ".5"},
		"--start retrieved (or nearest) needs --index":            {"--start", "nearest"},
		"--blend: recon: the weight of the blurry image is -1":    {"--blend", "-1"},
		"--preview no/now.png: its folder: ":                      {"--preview", "no/now.png"},
		"--out is empty, wanted a folder":                         {"--out", ""},
		"--true needs --stimuli":                                  {"--true"},
		"--features needs --stimuli":                              {"--features", "scenes-clip"},
		"wanted no --stimuli":                                     {"--row", "1", "--stimuli", s.stimuli},
		`method is "heun"`:                                        {"--method", "heun"},
		"for Karras' spacing":                                     {"--karras"},
		"--start: wanted an image for each scan: ":                {"--start", t.TempDir()},
		"leaves none of 20 steps":                                 {"--start", t.TempDir(), "--strength", ".01"},
		"wants 65 tokens of 128 elements":                         {"--model", "pixels"},
		"wanted vae":                                              {"--autoencoder", app.ScenesCLIP},
		"--guidance is -1":                                        {"--guidance", "-1"},
		`--prior: the prior is "x"`:                               {"--prior", "x"},
		"--score-side is 10 pixels, wanted 11 or more":            {"--score-side", "10"},
		"--features: scenes-autoencoder 2 is a model of kind vae": {"--features", app.ScenesAutoencoder, "--stimuli", s.stimuli, "--trials", s.trials},
		"a decoder whose metric is likeli":                        {"--prior", "recall"},
		"no such index":                                           {"--index", s.decoder},
		"scan of 3 voxels, the decoder":                           {"--voxels", writeNPY(t, filepath.Join(t.TempDir(), "v.npy"), []float32{1, 2, 3}, 1, 3)},
	} {
		c.refuse([]string{says}, append(base, args...)...)
	}
}

// TestPriorsOfADecoder reconstructs by the best prior of a decoder, which is the recall
// where its metric is a likelihood, and by none where nothing was left beside it.
func TestPriorsOfADecoder(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, dir := newSeenScans(t, c, 1), t.TempDir()
	decoder := filepath.Join(dir, "gaussian")
	c.must("train", "--voxels", s.trainScans.train, "--trials", s.trainScans.trials, "--stimuli", s.train, "--model", "scenes-clip", "--preset", "gaussian", "--prior", "--out", decoder)
	choices := func(name, decoder string, more ...string) string {
		out := filepath.Join(dir, name)
		c.must(append([]string{
			"reconstruct", "--voxels", s.voxels, "--decoder", decoder, "--out", out, "--steps", "2", "--candidates", "1",
		}, more...)...)
		text, err := os.ReadFile(filepath.Join(out, "choices.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, more := range map[string][]string{"recall": nil, "linear": {"--prior", "linear"}, "transformer": {"--prior", "transformer"}} {
		if found := choices(name, decoder, more...); !strings.Contains(found, `"prior": "`+name+`"`) {
			t.Errorf("%v chose %s, want the prior %s", more, found, name)
		}
	}
	if err := os.RemoveAll(filepath.Join(decoder, "alignment")); err != nil {
		t.Fatal(err)
	}
	if found := choices("network", decoder); !strings.Contains(found, `"prior_model": "`) {
		t.Errorf("a decoder with a diffusion prior alone chose %s, want that prior", found)
	}
	if err := os.RemoveAll(filepath.Join(decoder, "prior")); err != nil {
		t.Fatal(err)
	}
	if found := choices("none", decoder); strings.Contains(found, `"prior"`) {
		t.Errorf("a decoder without an alignment chose %s, want no prior", found)
	}
	c.refuse([]string{"has no alignment for the prior linear", "engram train"},
		"reconstruct", "--voxels", s.voxels, "--decoder", decoder, "--out", filepath.Join(dir, "x"), "--prior", "linear")
	c.refuse([]string{"engram train --prior writes"}, "reconstruct", "--voxels", s.voxels, "--decoder", decoder, "--out", filepath.Join(dir, "x"), "--prior", "transformer")
}

// TestCaptions trains a caption model beside a decoder, whose best prior is then the one that
// reads captions.
func TestCaptions(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, dir := newSeenScans(t, c, 2), t.TempDir()
	table, decoder := filepath.Join(dir, "captions.csv"), filepath.Join(dir, "decoder")
	lines, world := []string{"image,caption"}, scenes.New(1)
	for i := range 60 {
		scene := world.Scene(scenes.Train, uint64(i))
		lines = append(lines, fmt.Sprintf("%012d.png,%s", i+1, scene.Brief()))
	}
	if err := os.WriteFile(table, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	train := []string{"train", "--voxels", s.trainScans.train, "--trials", s.trainScans.trials, "--stimuli", s.train, "--model", "scenes-clip", "--preset", "gaussian", "--out", decoder}
	printed := c.must(append(train, "--captions", table)...)
	if folder := filepath.Join(decoder, "caption"); !strings.Contains(printed, "captions    "+folder) {
		t.Errorf("train prints %s, want the folder %s", printed, folder)
	}
	out := filepath.Join(dir, "pictures")
	args := []string{"reconstruct", "--voxels", s.voxels, "--trials", s.trials, "--stimuli", s.stimuli, "--decoder", decoder, "--steps", "2", "--candidates", "1", "--out"}
	c.must(append(args, out)...)
	record, err := os.ReadFile(filepath.Join(out, "scans", scanNames(t, s.trials)[0]+".json"))
	if err != nil || !strings.Contains(string(record), `"caption": "a`) {
		t.Errorf("the record of a scan is %s, %v, want a caption", record, err)
	}
	choices, err := os.ReadFile(filepath.Join(out, "choices.json"))
	if err != nil || !strings.Contains(string(choices), `"prior": "caption"`) {
		t.Errorf("the choices are %s, %v, want the prior caption", choices, err)
	}
	c.refuse([]string{"made otherwise"}, append(args, out, "--prior", "recall")...)
	if err := os.RemoveAll(filepath.Join(decoder, "caption")); err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{"the prior caption needs a caption model", "engram train --captions"}, append(args, filepath.Join(dir, "x"), "--prior", "caption")...)
}

// checkPublished scores a folder of three scans of scenes as the literature does.
func checkPublished(t *testing.T, c *cli, out string) {
	t.Helper()
	var published app.Published
	c.json(&published, "eval", "--recon", out, "--features", "scenes-clip")
	rows := map[string]app.PublishedRow{}
	for _, r := range published.Rows {
		rows[r.Pictures] = r
		if !(r.PixCorr.Low <= r.PixCorr.Mean && r.PixCorr.Mean <= r.PixCorr.High) || len(r.Features) != 1 || r.Features[0].Name != "scenes-clip" {
			t.Errorf("%s: %+v", r.Pictures, r)
		}
	}
	if published.Images != 3 || published.Data != "" || len(rows) != 4 || rows["true"].PixCorr.Mean < .7 || rows["true"].Features[0].TwoWay.Mean < .9 {
		t.Errorf("%+v, want four ways of three scans that are not of NSD", published)
	}
	if table := c.must("eval", "--recon", out); !strings.Contains(table, "reconstructed") || strings.Contains(table, "MindEye") {
		t.Errorf("the table is %s, want no figures of NSD beside scenes", table)
	}
	c.refuse([]string{"wanted two pictures of what was seen or more, found 0"}, "eval", "--recon", t.TempDir())
	c.refuse([]string{"--recon and --voxels are given, wanted one of them"}, "eval", "--recon", out, "--voxels", "x")

	// A folder that says that it is of NSD has the published figures beside its own.
	choices := filepath.Join(out, "choices.json")
	text, err := os.ReadFile(choices)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(text []byte) {
		if err := os.WriteFile(choices, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	restore([]byte(strings.Replace(string(text), "{", `{"data": "nsd",`, 1)))
	if table := c.must("eval", "--recon", out, "--features", "scenes-clip"); !strings.Contains(table, "MindEye, subject 1") || !strings.Contains(table, "0.392") && !strings.Contains(table, "0.393") {
		t.Errorf("the table of NSD is %s, want the published figures", table)
	}
	restore(text)
	seen, err := filepath.Glob(filepath.Join(out, "true", "*.png"))
	if err != nil || len(seen) != 3 {
		t.Fatal(seen, err)
	}
	aside := seen[1] + ".aside"
	if err := os.Rename(seen[1], aside); err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{"true lacks", "goes on there"}, "eval", "--recon", out)
	if err := os.Rename(aside, seen[1]); err != nil {
		t.Fatal(err)
	}
}
