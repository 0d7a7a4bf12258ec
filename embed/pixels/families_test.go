package pixels

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// Every family's tensor is the reference's up to the rounding of float32: the bytes
// before the normalisation are equal. One step of a byte is 0.0078 at the least.
func TestTransformEqualsTheFamilies(t *testing.T) {
	t.Parallel()
	const tolerance = 2e-6
	var golden struct {
		Pictures []struct{ W, H int }
		Cases    []struct {
			Family    string
			Picture   int
			Size      int
			Resize    int
			Filter    Filter
			Crop      Crop
			Rounding  Rounding
			Fill      byte
			Antialias bool
			Mean, Std [3]float64
		}
	}
	data := goldens(t, "families", &golden)
	var pictures []*Image
	for _, p := range golden.Pictures {
		pictures = append(pictures, readRGB(t, data, p.W, p.H))
	}
	worst := 0.0
	for _, c := range golden.Cases {
		img := pictures[c.Picture]
		name := fmt.Sprintf("%s %s %dx%d fill %d antialias=%t", c.Family, c.Filter, img.W, img.H, c.Fill, c.Antialias)
		want := make([]float32, 3*c.Size*c.Size)
		if err := binary.Read(data, binary.LittleEndian, want); err != nil {
			t.Fatal(err)
		}
		transform, err := NewTransform(Options{
			Size: c.Size, Resize: c.Resize, Filter: c.Filter, Antialias: c.Antialias, Crop: c.Crop, Rounding: c.Rounding, Fill: c.Fill,
			Range: [2]float64{0, 1}, Mean: c.Mean, Std: c.Std,
		})
		if err != nil {
			t.Fatal(name, err)
		}
		got := make([]float32, len(want))
		if err := transform.Apply(got, img); err != nil {
			t.Fatal(name, err)
		}
		off, at := worstOf(got, want)
		if off > tolerance {
			t.Errorf("%s: element %d is %v, want %v", name, at, got[at], want[at])
		}
		worst = max(worst, off)
	}
	if len(golden.Cases) < 200 {
		t.Fatalf("%d cases, want 200", len(golden.Cases))
	}
	t.Logf("largest error of %d cases: %.2g", len(golden.Cases), worst)
}

func TestNewTransformRefusesWhatThereIsNot(t *testing.T) {
	t.Parallel()
	good := Options{Size: 8, Filter: Bicubic, Antialias: true, Crop: Center, Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1}}
	if _, err := NewTransform(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no size":                   func(o *Options) { o.Size = 0 },
		"an unknown filter":         func(o *Options) { o.Filter = "sinc" },
		"lanczos without antialias": func(o *Options) { o.Filter, o.Antialias = Lanczos, false },
		"an unknown crop":           func(o *Options) { o.Crop = "middle" },
		"a resize below the size":   func(o *Options) { o.Resize = 7 },
		"a resize without a crop":   func(o *Options) { o.Resize, o.Crop = 9, Squeeze },
		"an unknown rounding":       func(o *Options) { o.Rounding = "up" },
		"a standard deviation of 0": func(o *Options) { o.Std[1] = 0 },
	} {
		o := good
		change(&o)
		if _, err := NewTransform(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
