package recon_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"engram/embed/pixels"
	"engram/recon"
)

func TestBlendedPicturesAreWeighedByPixel(t *testing.T) {
	made := &pixels.Image{W: 2, H: 1, Pix: []byte{0, 100, 255, 10, 11, 12}}
	blurry := &pixels.Image{W: 2, H: 1, Pix: []byte{100, 0, 255, 20, 13, 12}}
	for weight, want := range map[float64][]byte{
		0:   made.Pix,
		1:   blurry.Pix,
		.25: {25, 75, 255, 13, 12, 12}, // 12.5 and 11.5 are rounded up
	} {
		got, err := recon.Blend(made, blurry, weight)
		if err != nil || !slices.Equal(got.Pix, want) {
			t.Errorf("weight %v: %v and error %v, wanted %v", weight, got, err, want)
		}
	}
	if made.Pix[0] != 0 || blurry.Pix[0] != 100 {
		t.Error("the pictures that are blended have changed")
	}
}

func TestBlendRefuses(t *testing.T) {
	one, two := &pixels.Image{W: 1, H: 1, Pix: make([]byte, 3)}, &pixels.Image{W: 2, H: 1, Pix: make([]byte, 6)}
	for _, weight := range []float64{-.1, 1.1, math.NaN(), math.Inf(1)} {
		if _, err := recon.Blend(one, one, weight); !errors.Is(err, recon.ErrMismatch) || !strings.Contains(err.Error(), "wanted a number from 0 to 1") {
			t.Errorf("weight %v: error %v", weight, err)
		}
	}
	if _, err := recon.Blend(one, two, .5); !errors.Is(err, recon.ErrMismatch) || !strings.Contains(err.Error(), "1×1") {
		t.Errorf("pictures of two sizes: error %v", err)
	}
}
