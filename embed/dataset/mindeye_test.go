package dataset_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/mindeye"
	"engram/embed/dataset"

	"github.com/google/go-cmp/cmp"
)

// shown is a sample of two voxels whose image is grey, as light as its number.
func shown(t *testing.T, number int, voxels ...float32) *mindeye.Sample {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 1, 1))
	img.SetGray(0, 0, color.Gray{Y: uint8(number)})
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return &mindeye.Sample{
		Number: number, Format: "png", Picture: file.Bytes(), COCO73K: int64(number),
		Repeats: len(voxels) / 2, Voxels: voxels, Trials: make([]int64, len(voxels)/2), Uniques: 1,
	}
}

func writeTar(t *testing.T, dir, split string, part int, samples ...*mindeye.Sample) {
	t.Helper()
	path := filepath.Join(dir, mindeye.TarName(split, 1, part))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	all := func(yield func(*mindeye.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
	if err := mindeye.WriteFile(path, iter.Seq2[*mindeye.Sample, error](all)); err != nil {
		t.Fatal(err)
	}
}

// Three samples in two tars: the second has a copy of its first scan, the third
// shows the image of the first again, and repeats one of its scans.
func TestMindEyeTars(t *testing.T) {
	dir := t.TempDir()
	again := shown(t, 7, 1, 2, 9, 9)
	again.Number = 8
	writeTar(t, dir, mindeye.Train, 0, shown(t, 7, 1, 2, 3, 4, 5, 6))
	writeTar(t, dir, mindeye.Train, 1, shown(t, 30, 7, 8, 0, 0, 7, 8), again)
	writeTar(t, dir, mindeye.Test, 0, shown(t, 31, 1, 1))
	if err := mindeye.WriteTotals(dir, 1, mindeye.Totals{Train: 3, Test: 1}); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.MindEye{Dir: dir}.Training()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9, 9}, s.Voxels.Data); diff != "" {
		t.Errorf("voxels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 0, 0, 1, 1, 0}, s.Images); diff != "" {
		t.Errorf("image of each trial (-want +got):\n%s", diff)
	}
	want := dir + ", subject 1, train: 3 samples, 6 trials of 2 voxels, 2 images; 2 copies of trials left out"
	if got := s.String(); got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	for i, grey := range []byte{7, 30} {
		img, err := s.Stimuli.Read(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if img.Pix[0] != grey {
			t.Errorf("image %d has the grey %d, want %d", i, img.Pix[0], grey)
		}
	}
	test, err := dataset.MindEye{Dir: dir, Subject: 1}.Test()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Apart(s); err != nil {
		t.Errorf("the splits have no image in common, found %v", err)
	}
	writeTar(t, dir, mindeye.Val, 0, shown(t, 31, 2, 2))
	if err := mindeye.WriteTotals(dir, 1, mindeye.Totals{Train: 3, Val: 1, Test: 1}); err != nil {
		t.Fatal(err)
	}
	leaky, err := dataset.MindEye{Dir: dir, Subject: 1}.Training()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Apart(leaky); err == nil || !strings.Contains(err.Error(), "image 31 of the 73,000 is in test and in train and val") {
		t.Errorf("error is %v, want one that names the image", err)
	}
}

func TestMindEyeRefuses(t *testing.T) {
	read := func(prepare func(dir string)) error {
		t.Helper()
		dir := t.TempDir()
		prepare(dir)
		_, err := dataset.MindEye{Dir: dir}.Training()
		return err
	}
	tar := func(dir string, part int, samples ...*mindeye.Sample) {
		writeTar(t, dir, mindeye.Train, part, samples...)
	}
	damaged := shown(t, 3, 1, 2)
	damaged.Voxels[1] = float32(math.Inf(1))
	for want, err := range map[string]error{
		"no tars of MindEye, wanted files such as train/train_subj01_0.tar": read(func(string) {}),
		"train_subj01_1.tar is missing, 2 tars": read(func(dir string) {
			tar(dir, 0, shown(t, 1, 1, 2))
			tar(dir, 2, shown(t, 2, 1, 2))
		}),
		"sample 2 has 4 voxels, the ones before it have 2": read(func(dir string) {
			wide := shown(t, 2, 1, 2, 3, 4)
			wide.Repeats, wide.Trials = 1, wide.Trials[:1]
			tar(dir, 0, shown(t, 1, 1, 2), wide)
		}),
		"element 1 of row 0 is +Inf": read(func(dir string) { tar(dir, 0, damaged) }),
		"the tars of train have 1 samples of subject 1, metadata_subj01.json says 500": read(func(dir string) {
			tar(dir, 0, shown(t, 1, 1, 2))
			if err := mindeye.WriteTotals(dir, 1, mindeye.Totals{Train: 500}); err != nil {
				t.Fatal(err)
			}
		}),
		"has the subjects [1 2], choose one": read(func(dir string) {
			tar(dir, 0, shown(t, 1, 1, 2))
			from := filepath.Join(dir, mindeye.TarName(mindeye.Train, 1, 0))
			if err := os.Link(from, filepath.Join(dir, mindeye.TarName(mindeye.Train, 2, 0))); err != nil {
				t.Fatal(err)
			}
		}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	dir := t.TempDir()
	tar(dir, 0, shown(t, 1, 1, 2))
	for want, m := range map[string]dataset.MindEye{
		"no such file":                {Dir: filepath.Join(dir, "nowhere")},
		"has the subjects [1], not 5": {Dir: dir, Subject: 5},
		"wanted " + filepath.Join(dir, "test/test_subj01_0.tar"): {Dir: dir},
	} {
		if _, err := m.Test(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}
