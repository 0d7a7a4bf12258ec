package pixels

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// goldens opens a description and its data in testdata, both written by
// scripts/golden_preprocess.py.
func goldens(t *testing.T, name string, description any) io.Reader {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, description); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join("testdata", name+".bin.gz"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readRGB reads an image of 3·w·h bytes.
func readRGB(t *testing.T, r io.Reader, w, h int) *Image {
	t.Helper()
	img := newImage(w, h)
	if _, err := io.ReadFull(r, img.Pix); err != nil {
		t.Fatal(err)
	}
	return img
}

// With antialias the result is Pillow's to the byte, and differs from
// torchvision's tensor by no more than the rounding of the normalisation.
// Without, it is PyTorch's up to float32 arithmetic, in which PyTorch computes
// coordinates. 1/255, which would be one step of a byte, is 0.0039.
func TestTransformEqualsPillowAndPyTorch(t *testing.T) {
	const tolerance = 2e-5
	var golden struct {
		Cases []struct {
			W, H, Size int
			Filter     Filter
			Crop       Crop
			Antialias  bool
			Mean, Std  [3]float64
		}
	}
	data := goldens(t, "transform", &golden)
	worst := map[bool]float64{}
	for _, c := range golden.Cases {
		name := fmt.Sprintf("%dx%d to %d %s %s antialias=%t", c.W, c.H, c.Size, c.Crop, c.Filter, c.Antialias)
		img := readRGB(t, data, c.W, c.H)
		want := make([]float32, 3*c.Size*c.Size)
		if err := binary.Read(data, binary.LittleEndian, want); err != nil {
			t.Fatal(err)
		}
		transform, err := NewTransform(Options{
			Size: c.Size, Filter: c.Filter, Antialias: c.Antialias, Crop: c.Crop, Range: [2]float64{0, 1}, Mean: c.Mean, Std: c.Std,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(want))
		if err := transform.Apply(got, img); err != nil {
			t.Fatal(err)
		}
		if off, at := worstOf(got, want); off > tolerance {
			t.Errorf("%s: element %d is %v, want %v", name, at, got[at], want[at])
		} else {
			worst[c.Antialias] = max(worst[c.Antialias], off)
		}
	}
	if len(golden.Cases) == 0 {
		t.Fatal("no cases")
	}
	t.Logf("largest error: %.2g with antialias (Pillow), %.2g without (PyTorch)", worst[true], worst[false])
}

// worstOf returns the largest difference and its place.
func worstOf(got, want []float32) (worst float64, at int) {
	for i, v := range got {
		if off := math.Abs(float64(v) - float64(want[i])); !(off <= worst) {
			worst, at = off, i
		}
	}
	return worst, at
}

// The tolerance of each file is stated beside its making: 0 or 1 for lossless
// formats, and up to 4 of 255 for lossy ones, where the decoders' arithmetic
// differs.
func TestDecodeEqualsPillow(t *testing.T) {
	var golden struct {
		Cases []struct {
			Name      string
			W, H      int
			Tolerance int
		}
	}
	data := goldens(t, "decode", &golden)
	for _, c := range golden.Cases {
		want := readRGB(t, data, c.W, c.H)
		t.Run(c.Name, func(t *testing.T) {
			file, err := os.Open(filepath.Join("testdata", "decode", c.Name))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			got, err := Decode(t.Context(), file, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Incomplete {
				t.Error("it is called incomplete")
			}
			if got.W != want.W || got.H != want.H {
				t.Fatalf("%d×%d pixels, want %d×%d", got.W, got.H, want.W, want.H)
			}
			worst, at := 0, 0
			for i, v := range got.Pix {
				if off := max(int(v)-int(want.Pix[i]), int(want.Pix[i])-int(v)); off > worst {
					worst, at = off, i
				}
			}
			if worst > c.Tolerance {
				t.Errorf("channel %d of the pixel at %d, %d is %d, Pillow reads %d", at%3, at/3%got.W, at/3/got.W, got.Pix[at], want.Pix[at])
			}
			t.Logf("largest difference %d of 255", worst)
		})
	}
	if len(golden.Cases) == 0 {
		t.Fatal("no cases")
	}
}
