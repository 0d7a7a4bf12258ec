package nifti_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/nifti"
)

// written is an image as nibabel writes it (scripts/golden_scanner.py).
type written struct {
	Type         string
	Shape        []int
	Size         [3]float32
	Slope, Inter float32
	Data         []byte // the stored numbers, volume after volume in C order
	File         []byte
}

func (w *written) layout() nifti.Layout {
	return nifti.Layout{Shape: w.Shape, VoxelSize: w.Size, Slope: w.Slope, Inter: w.Inter}
}

// numbers returns the stored numbers as a slice of their type.
func (w *written) numbers(t *testing.T) any {
	t.Helper()
	switch w.Type {
	case "uint8":
		return w.Data
	case "int16":
		return decoded[int16](t, w.Data)
	case "float32":
		return decoded[float32](t, w.Data)
	}
	t.Fatalf("golden has unknown type %s", w.Type)
	return nil
}

func decoded[T any](t *testing.T, raw []byte) []T {
	t.Helper()
	var zero T
	out := make([]T, len(raw)/binary.Size(zero))
	if _, err := binary.Decode(raw, binary.LittleEndian, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriteWritesNibabelsBytes(t *testing.T) {
	raw, err := os.ReadFile("testdata/write.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []written
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 4 {
		t.Fatalf("there are %d goldens, want 4", len(cases))
	}
	for _, w := range cases {
		for _, name := range []string{"a.nii", "a.nii.gz"} {
			path := filepath.Join(t.TempDir(), name)
			if err := nifti.WriteFile(path, w.layout(), w.numbers(t)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(w.File, unpacked(t, path)); diff != "" {
				t.Errorf("%s of %v in %s: (-want +got)\n%s", w.Type, w.Shape, name, diff)
			}
		}
	}
}

func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return raw
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.nii.gz")
	stored := []int16{0, 300, -300, 1, 2, 3, math.MaxInt16, math.MinInt16}
	layout := nifti.Layout{Shape: []int{1, 2, 2, 2}, VoxelSize: [3]float32{1, 1, 1}}
	if err := nifti.WriteFile(path, layout, stored); err != nil {
		t.Fatal(err)
	}
	img, err := nifti.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []int16
	for volume, err := range img.Volumes() {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range volume {
			got = append(got, int16(v))
		}
	}
	if diff := cmp.Diff(stored, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriteRefusesWhatDoesNotFit(t *testing.T) {
	size := [3]float32{1, 1, 1}
	for _, c := range []struct {
		layout nifti.Layout
		data   any
		want   string
	}{
		{nifti.Layout{Shape: []int{2, 2}, VoxelSize: size}, make([]uint8, 4), "wanted 3 or 4 axes, found 2×2"},
		{nifti.Layout{Shape: []int{2, 2, 2}, VoxelSize: size}, make([]uint8, 7), "shape 2×2×2 does not fit 7 elements"},
		{nifti.Layout{Shape: []int{0, 2, 2}, VoxelSize: size}, []uint8{}, "an axis of 0×2×2 is not 1 to 32767 long"},
		{nifti.Layout{Shape: []int{40000, 1, 1}, VoxelSize: size}, make([]uint8, 40000), "an axis of 40000×1×1 is not 1 to 32767 long"},
		{nifti.Layout{Shape: []int{1, 1, 1}}, []uint8{1}, "voxels of [0 0 0] mm"},
		{nifti.Layout{Shape: []int{1, 1, 1}, VoxelSize: size, Slope: float32(math.Inf(1))}, []uint8{1}, "slope +Inf and intercept 0"},
		{nifti.Layout{Shape: []int{1, 1, 1}, VoxelSize: size}, []float64{1}, "wanted a slice of uint8, int16 or float32, found []float64"},
	} {
		path := filepath.Join(t.TempDir(), "a.nii")
		err := nifti.WriteFile(path, c.layout, c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: a file was left behind", c.want)
		}
	}
}
