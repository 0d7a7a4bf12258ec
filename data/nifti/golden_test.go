package nifti_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
	"engram/data/nifti"
)

// golden is one image and what nibabel finds in it (scripts/golden_data.py).
type golden struct {
	Name    string
	Type    string
	Shape   []int
	Volumes [][]string // hexadecimal float32, C order
	Masked  [][]string // the voxels of Mask in every volume
	File    []byte
	Data    []byte // the .img file of a pair
	Mask    []byte
}

func goldens(t testing.TB) []golden {
	t.Helper()
	var cases []golden
	goldentest.Load(t, &cases)
	return cases
}

// path writes the image to a temporary folder and returns where it lies.
func (g golden) path(t testing.TB) string {
	t.Helper()
	if g.Data == nil {
		return writeTemp(t, "a.nii", g.File)
	}
	path := writeTemp(t, "a.hdr", g.File)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "a.img"), g.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeTemp(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImagesAgreeWithNibabel(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			img, err := nifti.Open(g.path(t))
			if err != nil {
				t.Fatal(err)
			}
			checkImage(t, g, img)
			checkImage(t, g, img) // a file can be read again
			if g.Data != nil {
				return
			}
			img, err = nifti.Read(bytes.NewReader(g.File), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			checkImage(t, g, img)
		})
	}
}

func checkImage(t *testing.T, g golden, img *nifti.Image) {
	t.Helper()
	if diff := cmp.Diff(g.Shape, img.Shape); diff != "" {
		t.Errorf("shape: (-want +got)\n%s", diff)
	}
	if img.Type != g.Type {
		t.Errorf("type is %s, want %s", img.Type, g.Type)
	}
	if img.NumVolumes() != len(g.Volumes) {
		t.Fatalf("there are %d volumes, want %d", img.NumVolumes(), len(g.Volumes))
	}
	i := 0
	for volume, err := range img.Volumes() {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(goldentest.Float32s(t, g.Volumes[i]), volume, goldentest.SameFloats()); diff != "" {
			t.Errorf("volume %d: (-want +got)\n%s", i, diff)
		}
		i++
	}
	if i != len(g.Volumes) {
		t.Errorf("Volumes yields %d volumes, want %d", i, len(g.Volumes))
	}
}

func TestMaskedAgreesWithNumPy(t *testing.T) {
	masked := 0
	for _, g := range goldens(t) {
		if g.Mask == nil {
			continue
		}
		masked++
		mask, err := nifti.OpenMask(writeTemp(t, "mask.nii", g.Mask), nifti.Labels{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := nifti.Open(g.path(t))
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		for _, volume := range g.Masked {
			want = append(want, goldentest.Float32s(t, volume)...)
		}
		got, err := img.Masked(mask)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, goldentest.SameFloats()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", g.Name, diff)
		}
	}
	if masked != 8 {
		t.Errorf("%d goldens have a mask, want 8", masked)
	}
}
