package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/realtest"

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
		s, err := openStimuli(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := s.read(s.count - 1)
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
	m, err := readMatrix(bold, mask)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows != 1452 || m.Cols != 530 {
		t.Errorf("matrix of %d×%d, want 1452 volumes of 530 voxels", m.Rows, m.Cols)
	}
	rows, err := readRows(bold, mask, []int{1000})
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
	writeFile(t, cut, whole[:5000])
	if _, err := readMatrix(cut, mask); err == nil || !strings.Contains(err.Error(), "cut.nii.gz: header says 40×20×1×1452 int16") {
		t.Errorf("a truncated file: error is %v, want its name and sizes", err)
	}
}
