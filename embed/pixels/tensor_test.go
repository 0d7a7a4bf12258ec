package pixels_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"engram/embed/pixels"
)

// Every byte of every channel comes back from the tensor.
func TestImageOfATensor(t *testing.T) {
	o := pixels.Options{
		Size: 16, Filter: pixels.Bilinear, Crop: pixels.Center, Range: [2]float64{-1, 1},
		Mean: [3]float64{.1, -.2, .3}, Std: [3]float64{.5, .25, 2},
	}
	transform, err := pixels.NewTransform(o)
	if err != nil {
		t.Fatal(err)
	}
	img := &pixels.Image{W: 16, H: 16, Pix: make([]byte, 3*256)}
	rng := rand.New(rand.NewPCG(1, 2))
	for c := range 3 {
		for i, v := range rng.Perm(256) {
			img.Pix[3*i+c] = byte(v)
		}
	}
	tensor := make([]float32, transform.Len())
	if err := transform.Apply(tensor, img); err != nil {
		t.Fatal(err)
	}
	back, err := o.Image(tensor)
	if err != nil || back.W != 16 || back.H != 16 || !bytes.Equal(back.Pix, img.Pix) {
		t.Fatalf("the image is not what it was: %v", err)
	}
	tensor[0], tensor[256], tensor[512], tensor[1] = 1e9, -1e9, float32(math.Inf(1)), float32(math.NaN())
	if back, err = o.Image(tensor); err != nil || !bytes.Equal(back.Pix[:4], []byte{255, 0, 255, 0}) {
		t.Errorf("values outside of the range are %v, %v", back.Pix[:4], err)
	}
	if _, err := o.Image(tensor[1:]); err == nil {
		t.Error("a tensor that is too short makes an image")
	}
}
