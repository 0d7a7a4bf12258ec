package metrics_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/embedtest"
	"engram/embed/pixels"
	"engram/recon/metrics"

	"gonum.org/v1/gonum/stat"
)

const tolerance = 1e-6

// image returns a picture of a case, [h, w, 3].
func image(a embedtest.Array) *pixels.Image {
	img := &pixels.Image{W: a.Shape[1], H: a.Shape[0], Pix: make([]byte, len(a.Data))}
	for i, v := range a.Data {
		img.Pix[i] = byte(v)
	}
	return img
}

func TestPublishedSizeAgreesWithScikitImage(t *testing.T) {
	c := embedtest.Read(t, "paper")
	scores, err := metrics.Pixels([]*pixels.Image{image(c.Inputs["seen"])}, []*pixels.Image{image(c.Inputs["made"])}, metrics.PublishedSide)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "PixCorr", []float64{scores[0].PixCorr}, c.Outputs["pixcorr"].Data, tolerance)
	embedtest.Near(t, "SSIM", []float64{scores[0].SSIM}, c.Outputs["ssim"].Data, tolerance)
}

// vectors returns the rows of an array.
func vectors(a embedtest.Array) (rows []embed.Vector) {
	for row := range slices.Chunk(a.Float32s(), a.Shape[1]) {
		rows = append(rows, row)
	}
	return rows
}

func TestFeaturesAgreeWithNumPy(t *testing.T) {
	c := embedtest.Read(t, "features")
	s, err := metrics.Compare(t.Context(), vectors(c.Inputs["seen"]), vectors(c.Inputs["made"]))
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "two-way", []float64{s.TwoWay}, c.Outputs["two_way"].Data, tolerance)
	embedtest.Near(t, "distance", []float64{s.Distance}, c.Outputs["distance"].Data, tolerance)
	mean := []float64{stat.Mean(s.TwoWays, nil), stat.Mean(s.Distances, nil)}
	embedtest.Near(t, "means of all", mean, []float64{s.TwoWay, s.Distance}, 1e-12)
}

func grey(w, h int, v byte) *pixels.Image {
	return &pixels.Image{W: w, H: h, Pix: slices.Repeat([]byte{v}, 3*w*h)}
}

// sees is an encoder whose features are the first three bytes of a picture.
type sees struct{}

func (sees) Encode(_ context.Context, images []*pixels.Image) (out []embed.Vector, _ error) {
	for _, img := range images {
		if img.W == 1 {
			return nil, errors.New("too small")
		}
		out = append(out, embed.Vector{float32(img.Pix[0]), float32(img.Pix[1]), float32(img.Pix[2])})
	}
	return out, nil
}

func TestAPictureIsLikeItself(t *testing.T) {
	a, b := grey(16, 12, 9), grey(16, 12, 200)
	for i := range a.Pix {
		a.Pix[i] += byte(i % 7)
		b.Pix[i] -= byte(i * i % 11)
	}
	scores, err := metrics.Pixels([]*pixels.Image{a, b}, []*pixels.Image{a, b}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scores {
		embedtest.Near(t, "itself", []float64{s.PixCorr, s.SSIM}, []float64{1, 1}, 1e-12)
	}
	f, err := metrics.Features(t.Context(), sees{}, []*pixels.Image{a, b}, []*pixels.Image{a, b})
	if err != nil || f.TwoWay != 1 || math.Abs(f.Distance) > 1e-6 {
		t.Errorf("two pictures and themselves: %+v, %v", f, err)
	}
}

func TestWhatCannotBeComparedIsRefused(t *testing.T) {
	ramp := grey(12, 12, 0)
	for i := range ramp.Pix {
		ramp.Pix[i] = byte(i)
	}
	small := &pixels.Image{W: 10, H: 12, Pix: ramp.Pix[:360]}
	for says, pair := range map[string][2][]*pixels.Image{
		"1 reconstructions of 0": {nil, {ramp}},
		"wanted one size":        {{ramp}, {small}},
		"10×12, wanted 11×11":    {{small}, {small}},
	} {
		if _, err := metrics.Pixels(pair[0], pair[1], 0); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v, want %q", err, says)
		}
	}
	one := grey(1, 1, 3)
	for says, pair := range map[string][2][]*pixels.Image{
		"what was seen: too small":   {{one}, {ramp}},
		"reconstructions: too small": {{ramp}, {one}},
		"of 1 pictures, wanted":      {{ramp}, {ramp}},
		"all elements equal":         {{ramp, ramp}, {ramp, grey(2, 2, 5)}},
	} {
		if _, err := metrics.Features(t.Context(), sees{}, pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v, want %q", err, says)
		}
	}
}
