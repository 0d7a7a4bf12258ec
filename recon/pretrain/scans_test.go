package pretrain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/embed/ort/orttest"

	"gonum.org/v1/gonum/blas/blas32"
)

func TestEverySecondImageIsLeftOut(t *testing.T) {
	voxels := blas32.General{Rows: 5, Cols: 1, Stride: 1, Data: []float32{10, 11, 12, 13, 14}}
	images := []int{3, 0, 1, 2, 3}
	for odd, want := range []struct {
		values []float32
		of     []int
	}{{[]float32{11, 13}, []int{0, 1}}, {[]float32{10, 12, 14}, []int{1, 0, 1}}} {
		some, of := every2nd(voxels, images, odd)
		if !slices.Equal(some.Data, want.values) || !slices.Equal(of, want.of) || some.Rows != len(of) {
			t.Errorf("of the images %d mod 2 there are the trials %v of %v, want %v of %v", odd, some.Data, of, want.values, want.of)
		}
	}
}

// TestScansAreKept simulates subjects once, and refuses a file of them that was cut. The summary's
// first values are computed where there is no checkpoint of the training.
func TestScansAreKept(t *testing.T) {
	t.Parallel()
	rt, out, kept := orttest.Runtime(t), t.TempDir(), filepath.Join(t.TempDir(), "new")
	for _, m := range []Model{CLIP, Autoencoder, Denoiser} {
		if _, err := Train(t.Context(), rt, out, m, Options{Scale: "tiny", Epochs: 1}); err != nil {
			t.Fatal(m, err)
		}
	}
	opts := Options{Scale: "tiny", Epochs: 1, Checkpoint: kept}
	frozen, err := openTeachers(rt, out)
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	open := func() (*scansNetwork, map[string][]float32, error) {
		tr := &training{rt: rt, opts: opts, about: about{Model: Scans}}
		scale, err := opts.scale()
		if err != nil {
			t.Fatal(err)
		}
		err = tr.openScans(t.Context(), scale, out, frozen)
		n, _ := tr.net.(*scansNetwork)
		return n, tr.from, err
	}
	first, begins, err := open()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(kept, "scans-*.safetensors"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v are kept, want a file of one subject: %v", files, err)
	}
	again, _, err := open()
	if err != nil {
		t.Fatal(err)
	}
	a, b := first.pairs[0], again.pairs[0]
	if !slices.Equal(a.predicted, b.predicted) || !slices.Equal(a.seen, b.seen) || !slices.Equal(a.latents, b.latents) {
		t.Error("the subject that was kept is another one")
	}
	if slices.Equal(a.predicted, a.seen) {
		t.Error("predictions are the true tokens")
	}
	checkpoint := filepath.Join(kept, string(Scans)+".safetensors")
	if err := os.WriteFile(checkpoint, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, goesOn, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if weights := summaryIn + weightSuffix; begins[weights] == nil || goesOn[weights] != nil {
		t.Error("the summary's first values are computed beside a checkpoint, or not without one")
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], content[:len(content)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(); err == nil || !strings.Contains(err.Error(), "subject 0: ") {
		t.Errorf("a file that was cut: %v", err)
	}
}
