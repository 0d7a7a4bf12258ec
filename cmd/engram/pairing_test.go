package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/nifti"
	"engram/data/npy"

	"github.com/google/go-cmp/cmp"
)

// volumes writes the voxels of an experiment as a run of 10×10×4 voxels, and two
// masks that choose 300 of them: the first 300 and the last 300.
func (s experiment) volumes(t *testing.T) (bold, mask, other string) {
	t.Helper()
	dir := t.TempDir()
	array, err := npy.ReadFile(s.voxels)
	if err != nil {
		t.Fatal(err)
	}
	voxels := array.Float32s()
	run := make([]float32, 0, 32*400)
	for trial := range 32 {
		run = append(append(run, voxels[trial*300:][:300]...), make([]float32, 100)...)
	}
	first, last := make([]float32, 400), make([]float32, 400)
	for i := range 300 {
		first[i], last[399-i] = 1, 1
	}
	for i := 300; i < 400; i++ {
		first[i] = -1 // as in NSD
	}
	write := func(name string, data []float32, shape ...int) string {
		path := filepath.Join(dir, name)
		layout := nifti.Layout{Shape: shape, VoxelSize: [3]float32{2, 2, 2}}
		if err := nifti.WriteFile(path, layout, data); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("bold.nii.gz", run, 10, 10, 4, 32), write("mask.nii", first, 10, 10, 4), write("other.nii.gz", last, 10, 10, 4)
}

// A decoder is searched, scored, served and reconstructed from with the voxels that it was trained on.
func TestADecoderRefusesOtherVoxels(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	bold, mask, other := s.volumes(t)
	dir := t.TempDir()
	decoder, index := filepath.Join(dir, "decoder"), filepath.Join(dir, "index")
	seen := []string{"--stimuli", s.photos, "--trials", s.trials}
	var card app.Card
	c.json(&card, append(seen, "train", "--voxels", bold, "--mask", mask, "--preset", "linear", "--out", decoder)...)
	if !strings.HasSuffix(card.Recording, "mask.nii, 300 of 400 voxels, 100 negative left out: 32 trials of 300 voxels") ||
		!strings.HasSuffix(card.Seen, "32 of 32 rows matched 16 of 16 images in natural order, p00.png … p33.png, by name") || card.Warnings != nil {
		t.Errorf("the card says %+v", card.Matched)
	}
	c.must("index", "build", s.photos, "--out", index)
	search := []string{"search", "--index", index, "--decoder", decoder, "--row", "6,22", "-k", "1", "--paths", "--scan"}
	if got := c.must(append(search, bold, "--mask", mask)...); !strings.HasSuffix(got, "p12.png\n") {
		t.Errorf("trials 6 and 22 saw p12.png, the scan finds %s", got)
	}
	c.must(append(search, s.voxels)...) // of an array the number alone is known

	scenes := filepath.Join(dir, "scenes") // a decoder whose tokens the demo's denoiser takes
	c.must(append(seen, "train", "--voxels", bold, "--mask", mask, "--model", "scenes-clip", "--preset", "linear", "--out", scenes)...)

	flipped := flip(t, mask)
	runs := "{" + bold + "," + flip(t, bold) + "}"
	c.refuse([]string{"flipped.nii: the volumes and the mask do not lie in one place: the affines LAS ["}, append(seen, "train", "--voxels", runs, "--mask", mask, "--out", decoder)...)
	for _, test := range []struct{ mask, scan, says string }{
		{other, bold, "the decoder reads 300 voxels of another mask"},
		{flipped, bold, "the volumes and the mask do not lie in one place"},
		{flipped, flip(t, bold), "the decoder's scans and this scan do not lie in one place"},
	} {
		c.refuse([]string{test.says}, append(search, test.scan, "--mask", test.mask)...)
		c.refuse([]string{test.says}, append(seen, "eval", "--voxels", test.scan, "--mask", test.mask, "--decoder", decoder)...)
		pictures := []string{"reconstruct", "--voxels", test.scan, "--mask", test.mask, "--decoder", scenes, "--out", filepath.Join(dir, "pictures")}
		c.refuse([]string{test.says}, pictures...)
		c.refuse([]string{test.says}, append(seen, pictures...)...)
		serve := []string{"serve", "--index", index, "--decoder", decoder, "--voxels", test.scan, "--mask", test.mask}
		c.refuse([]string{filepath.Base(test.mask) + " is not the decoder's mask: the decoder"}, serve...) // before a scan is read
	}
}

// flip copies an image and mirrors its first axis in the header's sform.
func flip(t *testing.T, path string) string {
	t.Helper()
	img, err := nifti.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var data []float32
	for volume, err := range img.Volumes() {
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, volume...)
	}
	out := filepath.Join(t.TempDir(), "flipped.nii")
	if err := nifti.WriteFile(out, nifti.Layout{Shape: img.Shape, VoxelSize: [3]float32{2, 2, 2}}, data); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	content[283] ^= 0x80 // the sign of srow_x[0]
	writeFile(t, out, content)
	return out
}

// Decoders of earlier versions do not say which voxels they read, and keep working.
func TestADecoderWithoutItsVoxelsIsAccepted(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	bold, mask, _ := s.volumes(t)
	decoder := filepath.Join(t.TempDir(), "decoder")
	data := []string{"--voxels", bold, "--mask", mask, "--stimuli", s.photos, "--trials", s.trials}
	c.must(append(data, "train", "--preset", "linear", "--out", decoder)...)
	config, manifest := filepath.Join(decoder, "config.json"), filepath.Join(decoder, "bundle.json")
	old := map[string]any{}
	readJSON(t, config, &old)
	delete(old, "voxel_order")
	writeJSON(t, config, old)
	model := map[string]any{}
	readJSON(t, manifest, &model)
	model["files"].(map[string]any)["config.json"] = sha256Of(t, config)
	writeJSON(t, manifest, model)
	_, stderr, status := c.run(append(data, "eval", "--decoder", decoder)...)
	if status != 0 || !strings.Contains(stderr, "the decoder does not record which voxels it reads; only their number, 300, was compared") {
		t.Errorf("status %d, stderr %s; want that nothing was recorded", status, stderr)
	}
}

func sha256Of(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, content)
}

// Trials without an image are left out with their scans, images may be numbered
// without zeros in front, and a matrix that lies on its side is told.
func TestTrialsAndImagesAreMatched(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	names, rest := "image\r\n", "onset\timage\n"
	for i := range 16 {
		content, err := os.ReadFile(filepath.Join(s.photos, "p"+string(rune('0'+i/4))+string(rune('0'+i%4))+".png"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(plain, strconv.Itoa(i+1)+".png"), content)
	}
	for trial := range 32 {
		names += strconv.Itoa(trial%16+1) + ".png\r\n"
		if trial < 20 {
			rest += "0\tstimuli/" + strconv.Itoa(trial%16+1) + ".png\n"
		} else {
			rest += "0\tn/a\n"
		}
	}
	byName, events := filepath.Join(dir, "names.csv"), filepath.Join(dir, "events.tsv")
	writeFile(t, byName, []byte("\ufeff"+names))
	writeFile(t, events, []byte(rest))
	data := []string{"eval", "--voxels", s.voxels, "--presets", "linear", "--folds", "4", "--stimuli", plain}
	var padded, numbered, some app.Scores
	c.json(&padded, "eval", "--voxels", s.voxels, "--presets", "linear", "--folds", "4", "--stimuli", s.photos, "--trials", s.rows)
	c.json(&numbered, append(data, "--trials", byName)...)
	padded.Scores[0].Seconds, numbered.Scores[0].Seconds = 0, 0
	if diff := cmp.Diff(padded.Scores[0], numbered.Scores[0]); diff != "" {
		t.Errorf("images named 1.png … 16.png score otherwise than p00.png … p33.png:\n%s", diff)
	}
	c.json(&some, append(data, "--trials", events)...)
	if some.Scores[0].Trials != 20 || !strings.HasSuffix(some.Seen, "20 of 32 rows matched 16 of 16 images in natural order, 1.png … 16.png, by name; 12 trials without an image (n/a) left out") {
		t.Errorf("%+v of %q", some.Scores[0], some.Seen)
	}
	turned := writeNPY(t, filepath.Join(dir, "turned.npy"), make([]float32, 20*16), 20, 16)
	c.refuse([]string{"has 20 trials", "tells of 16", "it has 16 columns: wanted [trials, voxels], perhaps it is transposed"},
		"eval", "--voxels", turned, "--stimuli", plain)
}

// A file of stimuli may have an image for each trial: repeats of an image are known by
// being equal, so that they are one candidate and no fold trains on what it holds out.
func TestEqualImagesAreOne(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	array, err := npy.ReadFile(s.voxels)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	table, pictures, one := "image\n", make([]byte, 0, 32*64), make([]byte, 0, 16*64)
	for trial := range 32 {
		for pixel := range 64 {
			pictures = append(pictures, byte((trial%16+1)*(pixel+1)))
		}
		table += strconv.Itoa(trial%16) + "\n"
	}
	one = append(one, pictures[:16*64]...)
	voxels := writeNPY(t, filepath.Join(dir, "voxels.npy"), array.Float32s(), 32, 300)
	each := writeNPY(t, filepath.Join(dir, "each.npy"), pictures, 32, 8, 8)
	writeNPY(t, filepath.Join(dir, "once.npy"), one, 16, 8, 8)
	writeFile(t, filepath.Join(dir, "trials.csv"), []byte(table))
	var byTrial, byTable app.Scores
	eval := []string{"eval", "--voxels", voxels, "--presets", "linear", "--folds", "4", "--stimuli"}
	c.json(&byTrial, append(eval, each)...)
	c.json(&byTable, append(eval, filepath.Join(dir, "once.npy"), "--trials", filepath.Join(dir, "trials.csv"))...)
	byTrial.Scores[0].Seconds, byTable.Scores[0].Seconds = 0, 0
	if diff := cmp.Diff(byTable.Scores[0], byTrial.Scores[0]); diff != "" {
		t.Errorf("equal images score otherwise than one image that is repeated:\n%s", diff)
	}
	if want := "16 of 32 images are equal to others before them"; !slices.ContainsFunc(byTrial.Warnings, func(s string) bool { return strings.HasPrefix(s, want) }) {
		t.Errorf("warnings are %q, want %q", byTrial.Warnings, want)
	}
}

// Stored trials name their images by number, by a path of BIDS, or not at all.
func TestServedTrialsFindTheirImages(t *testing.T) {
	t.Parallel()
	c, s := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, index := filepath.Join(dir, "decoder"), filepath.Join(dir, "index")
	c.must("train", "--voxels", s.voxels, "--stimuli", s.photos, "--trials", s.trials, "--preset", "linear", "--out", decoder)
	c.must("index", "build", s.photos, "--out", index)
	rows := "onset\timage\n"
	for trial := range 32 {
		switch {
		case trial == 3:
			rows += "0\tn/a\n"
		case trial == 4:
			rows += "0\tlion.png\n"
		case trial%2 == 0:
			rows += "0\t" + strconv.Itoa(trial%16) + "\n"
		default:
			rows += "0\tstimuli/p" + strconv.Itoa(trial%16/4) + strconv.Itoa(trial%4) + ".png\n"
		}
	}
	table := filepath.Join(dir, "events.tsv")
	writeFile(t, table, []byte(rows))
	server := c.serve("--index", index, "--decoder", decoder, "--voxels", s.voxels, "--trials", table)
	var got struct {
		Total  int
		Trials []struct{ ID, Seen, Item string }
	}
	server.call(&got, "/v1/trials?limit=32", "", "")
	if got.Total != 32 || len(got.Trials) != 32 {
		t.Fatalf("%d of %d trials, want 32", len(got.Trials), got.Total)
	}
	for i, trial := range got.Trials {
		want := "p" + strconv.Itoa(i%16/4) + strconv.Itoa(i%4) + ".png"
		switch i {
		case 3:
			want = ""
		case 4:
			want = "lion.png"
		}
		if trial.Seen != want || (trial.Item != "") != (i != 3 && i != 4) {
			t.Errorf("trial %d saw %q, item %q; want %q", i, trial.Seen, trial.Item, want)
		}
	}
	var found searchAnswer
	query := filepath.Join(dir, "query.json")
	writeFile(t, query, []byte(`{"trial": "trial-6", "k": 1}`))
	if status := server.call(&found, "/v1/search", "application/json", query); status != 200 || found.Hits[0].Payload["path"] != "p12.png" {
		t.Errorf("a search by trial 6: status %d, %+v; want p12.png", status, found)
	}
	stderr, _ := server.stop()
	for _, want := range []string{`30 of 32 rows matched images of the index, by number from 0 in natural order of the folder, so that 0 is p00.png, 1 have none (n/a); no item is named as in line 6: \"lion.png\"`,
		"32 trials of 300 voxels; voxels of arrays have no mask; only their number, 300, was compared"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr is\n%s\nwant %q in it", stderr, want)
		}
	}
}
