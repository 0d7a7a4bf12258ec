package recon_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
	"engram/recon"
	"engram/recon/diffusion"
)

// given describes a denoiser that says that every element of the clean latent is
// the sum of the elements of its condition, the first one times 1, the second times
// 2 and so on.
type given struct {
	t, d      int
	shapes    map[string]int // elements of each input beside latent and time
	condition *model.Condition
	factor    float32 // of what it says
	sampling  *model.Sampling
}

// open opens the reconstructor of such a denoiser.
func (g given) open(t *testing.T) *recon.Reconstructor {
	t.Helper()
	vae, denoiser := plain(t)
	graph := grad.NewGraph()
	inputs := map[string]string{"latent": "z", "time": "t"}
	noisy := graph.Data("z", onnx.Float, grad.Batch, plainD, plainSide, plainSide)
	time := grad.Reshape(graph.Data("t", onnx.Float, grad.Batch), grad.Batch, 1, 1, 1)
	clean := grad.Scale(grad.Mul(noisy, time), 0)
	for name, elements := range g.shapes {
		inputs[name] = "in_" + name
		dims := []int{grad.Batch, elements}
		if name == "context" {
			dims = []int{grad.Batch, elements / g.d, g.d}
		}
		in := grad.Reshape(graph.Data(inputs[name], onnx.Float, dims...), grad.Batch, 1, 1, elements)
		weighted := grad.Mul(in, graph.Array(weights(elements), 1, 1, 1, elements))
		clean = grad.Add(clean, grad.Reshape(grad.Sum(weighted, 3), grad.Batch, 1, 1, 1))
	}
	m := denoiser.Manifest
	m.Files, m.T, m.D, m.Condition, m.Sampling = nil, g.t, g.d, g.condition, g.sampling
	m.Graphs = map[string]model.Graph{"denoiser": {File: "model.onnx", Inputs: inputs, Outputs: map[string]string{"prediction": "x"}}}
	b := newModel(t, m, onnxFile(t, map[string]*grad.Node{"x": grad.Scale(clean, g.factor)}))
	r, err := recon.Open(orttest.Runtime(t), vae, b, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func weights(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(i + 1)
	}
	return w
}

// weighted is what such a denoiser says of an input.
func weighted(values ...float64) (sum float64) {
	for i, v := range values {
		sum += float64(i+1) * v
	}
	return sum
}

// grey returns the first byte of a picture whose latent is v in every element.
func grey(v float64) byte { return byte(math.Round(max(0, min(255, (v/plainScale*.5+.5)*255)))) }

// What stands beside the tokens comes from the model, and the picture without a
// condition has zeros in its place.
func TestConditions(t *testing.T) {
	const guidance = 2
	for what, test := range map[string]struct {
		given
		with, without float64 // what the denoiser says
	}{
		"tokens": {given{t: 1, d: 2, shapes: map[string]int{"context": 2}, factor: .01}, .01 * weighted(3, 4), 0},
		"an empty text": {
			given{t: 1, d: 2, shapes: map[string]int{"context": 6}, condition: &model.Condition{ZeroText: 2}, factor: .01},
			.01 * weighted(0, 0, 0, 0, 3, 4), 0,
		},
		"labels": {
			given{t: 1, d: 2, shapes: map[string]int{"labels": 4}, condition: &model.Condition{NoiseLevel: 2}, factor: .01},
			.01 * weighted(3, 4, math.Cos(2), math.Sin(2)), 0,
		},
		"sizes": {
			given{
				t: 1, d: 2, shapes: map[string]int{"context": 2, "sizes": 3}, factor: .01,
				condition: &model.Condition{Constants: map[string][]float32{"sizes": {1, 0, -2}}},
			},
			.01 * (weighted(3, 4) + weighted(1, 0, -2)), .01 * weighted(1, 0, -2),
		},
	} {
		tokens := embed.Tokens{T: 1, D: 2, Data: []float32{3, 4}}
		found, err := test.open(t).Reconstruct(t.Context(), []embed.Tokens{tokens, tokens}, scripted{tokens, tokens},
			recon.Options{Steps: 3, Guidance: guidance, Candidates: 1})
		if err != nil {
			t.Fatal(what, err)
		}
		want := grey(test.without + guidance*(test.with-test.without))
		for i, f := range found {
			if got := f.Image().Pix[0]; got != want {
				t.Errorf("%s: scan %d is %d, want %d", what, i, got, want)
			}
		}
	}
}

// TestNoiseOfLabels has a denoiser that says what its embedding was. At the level 400 of the
// cosine schedule, √ᾱ = cos(.4067…·π/2)/cos(.008/1.008·π/2) = .8024 of the standardised
// embedding is left, as squaredcos_cap_v2 of diffusers has it.
func TestNoiseOfLabels(t *testing.T) {
	const level, signal = 400, .8024
	g := given{t: 1, d: 2, shapes: map[string]int{"labels": 4}, factor: .001, condition: &model.Condition{
		NoiseLevel: level, Noise: &model.LabelNoise{Mean: []float32{100, 100}, Std: []float32{50, 1e-3}},
	}}
	r := g.open(t)
	tokens := embed.Tokens{T: 1, D: 2, Data: []float32{200, 100}}
	const n = 400
	var sees scripted
	for range n {
		sees = append(sees, tokens)
	}
	found, err := r.Reconstruct(t.Context(), []embed.Tokens{tokens}, sees, recon.Options{Steps: 1, Guidance: 1, Candidates: n, Seed: 8})
	if err != nil {
		t.Fatal(err)
	}
	fixed := 2*100 + 3*math.Cos(level) + 4*math.Sin(level) // what the labels have beside the first element
	var mean, square float64
	for _, c := range found[0].Candidates {
		v := float64(c.Image.Pix[0])
		mean, square = mean+v/n, square+v*v/n
	}
	deviation := math.Sqrt(square - mean*mean)
	perUnit := .001 / plainScale * .5 * 255 // of a pixel, by an element of the labels
	want := (.5 + .001*(100+signal*100+fixed)/plainScale*.5) * 255
	if noise := 50 * math.Sqrt(1-signal*signal) * perUnit; math.Abs(mean-want) > 4*noise/math.Sqrt(n) || math.Abs(deviation-noise) > .15*noise {
		t.Errorf("pixels are %.2f ± %.2f, want %.2f ± %.2f", mean, deviation, want, noise)
	}
	again, err := r.Reconstruct(t.Context(), []embed.Tokens{tokens, tokens}, sees[:4], recon.Options{Steps: 1, Guidance: 1, Candidates: 2, Batch: 3, Seed: 8})
	if err != nil {
		t.Fatal(err)
	}
	for c := range 2 {
		for scan := range 2 {
			if got, want := again[scan].Candidates[c].Image.Pix[0], found[0].Candidates[c].Image.Pix[0]; got != want {
				t.Errorf("candidate %d of scan %d is %d, want %d whatever else is drawn", c, scan, got, want)
			}
		}
	}
}

// A model's own way of sampling holds where nothing else is asked for.
func TestSamplingOfTheModel(t *testing.T) {
	g := given{t: 1, d: 2, shapes: map[string]int{"context": 2}, factor: .01}
	g.sampling = &model.Sampling{Method: "unipc", Order: 3, Steps: 7, Guidance: 3, Spacing: "leading", Offset: 1}
	r := g.open(t)
	tokens := embed.Tokens{T: 1, D: 2, Data: []float32{3, 4}}
	for want, opts := range map[int]recon.Options{7: {}, 4: {Steps: 4, Method: diffusion.DPMSolver, Karras: true, Guidance: 3}} {
		steps := 0
		opts.Candidates, opts.PreviewEvery = 1, 1
		opts.Preview = func(p recon.Preview) error {
			if steps++; p.Step != steps || p.Steps != want || p.First != 0 || len(p.Images) != 1 || p.Images[0].Pix[0] != grey(3*.01*weighted(3, 4)) {
				t.Errorf("preview %d is of step %d of %d, from candidate %d, %v", steps, p.Step, p.Steps, p.First, p.Images)
			}
			return nil
		}
		found, err := r.Reconstruct(t.Context(), []embed.Tokens{tokens}, scripted{tokens}, opts)
		if err != nil || steps != want || found[0].Image().Pix[0] != grey(3*.01*weighted(3, 4)) {
			t.Errorf("%d previews, %v, want %d", steps, err, want)
		}
	}
	stopped := errors.New("stopped")
	_, err := r.Reconstruct(t.Context(), []embed.Tokens{tokens}, scripted{tokens}, recon.Options{Preview: func(recon.Preview) error { return stopped }})
	if !errors.Is(err, stopped) {
		t.Errorf("a preview that fails: %v", err)
	}
}

func TestBadDenoisersAndOptionsAreRefused(t *testing.T) {
	tokens := []embed.Tokens{{T: 1, D: 2, Data: []float32{3, 4}}}
	g := given{t: 1, d: 2, shapes: map[string]int{"context": 2}, factor: float32(math.NaN())}
	_, err := g.open(t).Reconstruct(t.Context(), tokens, scripted(tokens), recon.Options{Candidates: 1})
	if !errors.Is(err, embed.ErrNotFinite) || !strings.Contains(err.Error(), "step 1 of 20 has NaN") {
		t.Errorf("a denoiser that says NaN: %v", err)
	}
	g.factor = .01
	r := g.open(t)
	image := []*pixels.Image{{W: 2, H: 2, Pix: make([]byte, 12)}}
	for says, opts := range map[string]recon.Options{
		"steps are -1":                       {Steps: -1},
		"strength is 2, wanted":              {Starts: image, Strength: 2},
		"strength is -0.5, wanted":           {Starts: image, Strength: -.5},
		"strength is NaN, wanted":            {Starts: image, Strength: math.NaN()},
		"strength is 0.5 without images":     {Strength: .5},
		"2 images to begin from":             {Starts: append(image, image...)},
		"leaves none of 20 steps":            {Starts: image, Strength: .01},
		`method is "heun"`:                   {Method: "heun"},
		"tokens to compare with are of 2":    {Compared: append(tokens, tokens...)},
		"tokens of scan 0: element 1 is NaN": {Compared: []embed.Tokens{{T: 1, D: 2, Data: []float32{1, float32(math.NaN())}}}},
	} {
		if _, err := r.Reconstruct(t.Context(), tokens, scripted(tokens), opts); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v, want %q", err, says)
		}
	}
}

// blind is a denoiser that says that latents are clean as they are.
func blind(t *testing.T) *recon.Reconstructor {
	t.Helper()
	vae, denoiser := plain(t)
	graph := grad.NewGraph()
	noisy := graph.Data("z", onnx.Float, grad.Batch, plainD, plainSide, plainSide)
	rest := grad.Scale(grad.Reshape(graph.Data("t", onnx.Float, grad.Batch), grad.Batch, 1, 1, 1), 0)
	context := grad.Sum(grad.Reshape(graph.Data("c", onnx.Float, grad.Batch, 1, 2), grad.Batch, 1, 1, 2), 3)
	rest = grad.Add(rest, grad.Scale(grad.Reshape(context, grad.Batch, 1, 1, 1), 0))
	m := denoiser.Manifest
	m.Files, m.T, m.D = nil, 1, 2
	b := newModel(t, m, onnxFile(t, map[string]*grad.Node{"x": grad.Add(noisy, rest)}))
	r, err := recon.Open(orttest.Runtime(t), vae, b, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Few steps from an image leave most of it, each scan has its own image, and the
// candidates are compared with the tokens that are named.
func TestPicturesBeginFromImages(t *testing.T) {
	r := blind(t)
	var starts []*pixels.Image
	for _, v := range []byte{0, 255} {
		starts = append(starts, &pixels.Image{W: 2, H: 2, Pix: slices.Repeat([]byte{v}, 12)})
	}
	tokens := []embed.Tokens{{T: 1, D: 2, Data: []float32{3, 4}}, {T: 1, D: 2, Data: []float32{4, 3}}}
	compared := []embed.Tokens{{T: 1, D: 2, Data: []float32{1, 0}}, {T: 1, D: 2, Data: []float32{0, 1}}}
	sees := scripted{compared[0], compared[1], compared[0], compared[1]}
	found, err := r.Reconstruct(t.Context(), tokens, sees, recon.Options{
		Steps: 20, Candidates: 2, Batch: 3, Seed: 4, Starts: starts, Strength: .1, Compared: compared,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		if f.Best != i || math.Abs(f.Candidates[i].Cosine-1) > 1e-6 {
			t.Errorf("scan %d: candidate %d is the best, %+v", i, f.Best, f.Candidates)
		}
		for c, candidate := range f.Candidates {
			if d := farthest(candidate.Image, starts[i]); d > 100 {
				t.Errorf("scan %d, candidate %d is %d of 255 away from its image", i, c, d)
			}
		}
	}
	if farthest(found[0].Candidates[0].Image, found[0].Candidates[1].Image) == 0 {
		t.Error("two candidates have the same noise")
	}
}
