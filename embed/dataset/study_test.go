package dataset_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/npy"
	"engram/data/realtest"
	"engram/embed/dataset"

	"github.com/google/go-cmp/cmp"
)

func TestStimuliArrays(t *testing.T) {
	dir := t.TempDir()
	grey := writeNPY(t, filepath.Join(dir, "grey.npy"), []uint8{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110}, 2, 2, 3)
	rgb := writeNPY(t, filepath.Join(dir, "rgb.npy"), []int64{1, 2, 3, 4, 5, 6}, 1, 1, 2, 3)
	for path, want := range map[string][]byte{
		grey: {60, 60, 60, 70, 70, 70, 80, 80, 80, 90, 90, 90, 100, 100, 100, 110, 110, 110},
		rgb:  {1, 2, 3, 4, 5, 6},
	} {
		s, err := dataset.OpenStimuli(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := s.Read(t.Context(), s.Count-1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, img.Pix); diff != "" || 3*img.W*img.H != len(want) {
			t.Errorf("%s: last image of %d×%d pixels (-want +got):\n%s", path, img.W, img.H, diff)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRealVolumes(t *testing.T) {
	dir := realtest.Path(t, "scans/haxby2001")
	bold, mask := filepath.Join(dir, "bold.nii.gz"), filepath.Join(dir, "mask.nii.gz")
	m, err := dataset.Matrix(bold, mask)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows != 1452 || m.Cols != 530 {
		t.Errorf("matrix of %d×%d, want 1452 volumes of 530 voxels", m.Rows, m.Cols)
	}
	rows, err := dataset.Rows(bold, mask, []int{1000})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Data[1000*m.Stride:][:m.Cols], rows[0]); diff != "" {
		t.Errorf("row 1000 (-want +got):\n%s", diff)
	}

	whole, err := os.ReadFile(bold)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.nii.gz")
	if err := os.WriteFile(cut, whole[:5000], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dataset.Matrix(cut, mask); err == nil || !strings.Contains(err.Error(), "cut.nii.gz: header says 40×20×1×1452 int16") {
		t.Errorf("a truncated file: error is %v, want its name and sizes", err)
	}
}

func writeNPY(t *testing.T, path string, data any, shape ...int) string {
	t.Helper()
	if err := npy.WriteFile(path, shape, data); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefusals wants a sentence that names the file and what is wrong with it.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	array := func(name string, data any, shape ...int) string {
		return writeNPY(t, filepath.Join(dir, name), data, shape...)
	}
	text := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nan := float32(math.NaN())
	matrix := func(path, mask string) error { _, err := dataset.Matrix(path, mask); return err }
	rows := func(path string, choice ...int) error { _, err := dataset.Rows(path, "", choice); return err }
	seen := func(path, column string) error { _, err := dataset.ReadSeen(path, column, nil, 3); return err }
	stimuli := func(path string) error { _, err := dataset.OpenStimuli(path); return err }
	targets := func(path string) error { _, err := dataset.Targets(path, 2, 4); return err }
	for want, err := range map[string]error{
		"shape [6], wanted rows":            matrix(array("flat.npy", make([]float32, 6), 6), ""),
		"element 1 of row 1 is NaN":         matrix(array("nan.npy", []float32{1, 2, 3, nan}, 2, 2), ""),
		"needs a mask":                      matrix("bold.nii", ""),
		"the mask has no use":               matrix("bold.npy", "mask.nii"),
		"has 2 rows, choose among rows 0…1": rows(array("two.npy", make([]float32, 4), 2, 2)),
		"rows 0…1, not row 5":               rows(array("two.npy", make([]float32, 4), 2, 2), 5),
		"no column \"image\", it has a, b":  seen(text("a.csv", "a,b\n1,2\n"), "image"),
		"line 3: \"7\" is not one of the 3": seen(text("b.csv", "image\n1\n7\n"), "image"),
		"wanted a header":                   seen(text("c.csv", ""), "image"),
		"has no images":                     stimuli(t.TempDir()),
		"wanted [images, H, W]":             stimuli(array("row.npy", make([]uint8, 3), 3)),
		"and so no images":                  stimuli(array("none.npy", make([]uint8, 0), 0, 2, 2)),
		"gives 2 token(s) of 4":             targets(array("t.npy", make([]float32, 12), 1, 3, 4)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}
