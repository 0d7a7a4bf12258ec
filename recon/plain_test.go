package recon_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
	"engram/recon"
)

// The plain models have no weights: the denoiser says that the clean latent,
// [3, 2, 2], is the tokens but the first, [5, 3], and the autoencoder's picture
// is its latent. So one knows what has to come out.
const (
	plainScale = .5
	plainSide  = 2
	plainT     = 5
	plainD     = 3
)

// plain returns the models of the plain models.
func plain(t *testing.T) (vae, denoiser *model.Model) {
	t.Helper()
	latent := &model.Latent{Channels: plainD, Factor: 1, Scale: plainScale}
	g := grad.NewGraph()
	in := g.Data("p", onnx.Float, grad.Batch, 3, plainSide, plainSide)
	copied := onnxFile(t, map[string]*grad.Node{"q": grad.Scale(in, 1)})
	vae = newModel(t, model.Manifest{
		Kind: model.VAE, ImageSize: plainSide, Latent: latent,
		Preprocess: &model.Preprocess{
			Filter: "bilinear", Crop: "center", Range: [2]float64{0, 1}, Mean: [3]float64{.5, .4, .3}, Std: [3]float64{.5, .4, .3},
		},
		Graphs: map[string]model.Graph{
			"encoder": {File: "model.onnx", Inputs: map[string]string{"pixels": "p"}, Outputs: map[string]string{"latent": "q"}},
			"decoder": {File: "model.onnx", Inputs: map[string]string{"latent": "p"}, Outputs: map[string]string{"pixels": "q"}},
		},
	}, copied)

	g = grad.NewGraph()
	context := g.Data("c", onnx.Float, grad.Batch, plainT, plainD)
	clean := grad.Transpose(grad.Slice(context, 1, 1, plainT), 0, 2, 1)
	clean = grad.Reshape(clean, grad.Batch, plainD, plainSide, plainSide)
	time := grad.Reshape(g.Data("t", onnx.Float, grad.Batch), grad.Batch, 1, 1, 1)
	noisy := g.Data("z", onnx.Float, grad.Batch, plainD, plainSide, plainSide)
	clean = grad.Add(clean, grad.Scale(grad.Mul(noisy, time), 0))
	denoiser = newModel(t, model.Manifest{
		Kind: model.Denoiser, ImageSize: plainSide, Latent: latent, T: plainT, D: plainD,
		Scheduler: &model.Scheduler{Steps: 100, BetaStart: .001, BetaEnd: .02, BetaSchedule: "linear", Prediction: "sample"},
		Graphs: map[string]model.Graph{"denoiser": {
			File: "model.onnx", Outputs: map[string]string{"prediction": "x"},
			Inputs: map[string]string{"latent": "z", "time": "t", "context": "c"},
		}},
	}, onnxFile(t, map[string]*grad.Node{"x": clean}))
	return vae, denoiser
}

func onnxFile(t testing.TB, outputs map[string]*grad.Node) []byte {
	t.Helper()
	content, err := grad.Export(outputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// newModel writes a model of one file, model.onnx.
func newModel(t testing.TB, m model.Manifest, graph []byte) *model.Model {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "model.onnx"), graph, 0o644); err != nil {
		t.Fatal(err)
	}
	m.Name, m.Version, m.Licence, m.Source = "plain "+string(m.Kind), "1", "CC0-1.0", "a test"
	b, err := model.Write(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openPlain opens the plain models.
func openPlain(t *testing.T) *recon.Reconstructor {
	t.Helper()
	vae, denoiser := plain(t)
	r, err := recon.Open(orttest.Runtime(t), vae, denoiser, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// scripted is an encoder that gives the same tokens whatever it sees.
type scripted []embed.Tokens

func (s scripted) EncodeTokens(_ context.Context, images []*pixels.Image) ([]embed.Tokens, error) {
	if len(images) != len(s) {
		return nil, errors.New("the encoder sees another number of pictures")
	}
	return s, nil
}

// ramp returns plain tokens that rise from first on.
func ramp(first float32) embed.Tokens {
	t := embed.Tokens{T: plainT, D: plainD}
	for i := range plainT * plainD {
		t.Data = append(t.Data, first+float32(i)/64)
	}
	return t
}

// turned returns tokens at an angle of so many degrees to t.
func turned(t embed.Tokens, degrees float64) embed.Tokens {
	c, s := math.Cos(degrees*math.Pi/180), math.Sin(degrees*math.Pi/180)
	out := embed.Tokens{T: t.T, D: t.D, Data: make([]float32, len(t.Data))}
	for i := 0; i+1 < len(t.Data); i += 2 {
		a, b := float64(t.Data[i]), float64(t.Data[i+1])
		out.Data[i], out.Data[i+1] = float32(c*a-s*b), float32(s*a+c*b)
	}
	out.Data[len(t.Data)-1] = float32(c * float64(t.Data[len(t.Data)-1]))
	return out
}

func TestPlainPictures(t *testing.T) {
	r := openPlain(t)
	const guidance = 2.5
	wants := []embed.Tokens{ramp(-.1), ramp(-.05), ramp(.01)}
	sees := scripted{}
	for i, w := range wants {
		sees = append(sees, turned(w, 60), turned(w, float64(45-15*i)), turned(w, 30))
	}
	var told []int64
	found, err := r.Reconstruct(t.Context(), wants, sees, recon.Options{
		Steps: 4, Guidance: guidance, Candidates: 3, Batch: 4, Seed: 3,
		Progress: func(r progress.Report) {
			if len(told) > 0 && told[len(told)-1] == r.Done {
				return // a batch begins where the one before has ended
			}
			if told = append(told, r.Done); r.Total != 12 || r.Stage != recon.ReconstructingStage {
				t.Errorf("%s: step %d of %d, want 12: three batches", r.Stage, r.Done, r.Total)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(told, want) {
		t.Errorf("progress is %v", told)
	}
	for i, got := range found {
		if best := []int{2, 1, 1}[i]; got.Best != best || got.Image() != got.Candidates[best].Image {
			t.Errorf("scan %d: candidate %d is the best, want %d", i, got.Best, best)
		}
		for c, candidate := range got.Candidates {
			if want := cosineOf(wants[i], sees[3*i+c]); math.Abs(candidate.Cosine-want) > 1e-6 {
				t.Errorf("scan %d, candidate %d: cosine %v, want %v", i, c, candidate.Cosine, want)
			}
			if want := picture(wants[i], guidance); !slices.Equal(candidate.Image.Pix, want) {
				t.Errorf("scan %d, candidate %d is %v, want %v", i, c, candidate.Image.Pix, want)
			}
		}
	}
}

// TestEachCandidateIsMadeOfItsOwnSample gives two samples of each of two scans.
func TestEachCandidateIsMadeOfItsOwnSample(t *testing.T) {
	r := openPlain(t)
	const guidance = 1.5
	samples := []embed.Tokens{ramp(-.1), ramp(0), ramp(.05), ramp(-.05)}
	compared := []embed.Tokens{ramp(-.2), ramp(.2)}
	sees := scripted{turned(compared[0], 40), turned(compared[0], 20), turned(compared[1], 10), turned(compared[1], 50)}
	opts := recon.Options{Steps: 3, Guidance: guidance, Candidates: 2, Batch: 3, Sampled: true, Compared: compared}
	found, err := r.Reconstruct(t.Context(), samples, sees, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].Best != 1 || found[1].Best != 0 {
		t.Fatalf("%d scans with the best %+v, want two, candidates 1 and 0", len(found), found)
	}
	for at, sample := range samples {
		if got, want := found[at/2].Candidates[at%2].Image.Pix, picture(sample, guidance); !slices.Equal(got, want) {
			t.Errorf("candidate %d of scan %d is %v, want %v of its own sample", at%2, at/2, got, want)
		}
	}
	if _, err := r.Reconstruct(t.Context(), samples[:3], sees, opts); !errors.Is(err, recon.ErrMismatch) || !strings.Contains(err.Error(), "tokens are 3 samples, wanted 2 for each scan") {
		t.Errorf("three samples for candidates of two: %v", err)
	}
}

// picture computes what the plain models make of tokens.
func picture(tokens embed.Tokens, guidance float64) []byte {
	var pix []byte
	for p := range plainSide * plainSide {
		for c := range 3 {
			latent := guidance * float64(tokens.Data[(1+p)*plainD+c])
			std := []float64{.5, .4, .3}[c]
			v := (latent/plainScale*std + std) * 255
			pix = append(pix, byte(math.Round(max(0, min(255, v)))))
		}
	}
	return pix
}

// cosineOf is the cosine by its definition.
func cosineOf(a, b embed.Tokens) float64 {
	var ab, aa, bb float64
	for i, x := range a.Data {
		y := float64(b.Data[i])
		ab, aa, bb = ab+float64(x)*y, aa+float64(x)*float64(x), bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	rt := orttest.Runtime(t)
	vae, denoiser := plain(t)
	other := func(b *model.Model, change func(m *model.Manifest)) *model.Model {
		changed, latent := *b, *b.Latent
		changed.Latent = &latent
		change(&changed.Manifest)
		return &changed
	}
	for what, test := range map[string]struct {
		vae, denoiser *model.Model
		want          error
		says          string
	}{
		"swapped":   {denoiser, vae, recon.ErrMismatch, "kind denoiser, wanted vae"},
		"channels":  {other(vae, func(m *model.Manifest) { m.Latent.Channels = 4 }), denoiser, recon.ErrMismatch, "has 4 channels"},
		"scale":     {vae, other(denoiser, func(m *model.Manifest) { m.Latent.Scale = .18215 }), recon.ErrMismatch, "scale 0.18215"},
		"size":      {other(vae, func(m *model.Manifest) { m.ImageSize = 64 }), denoiser, recon.ErrMismatch, "64 pixels"},
		"tokens":    {vae, other(denoiser, func(m *model.Manifest) { m.T = 257 }), ort.ErrMismatch, "wanted input c"},
		"dim":       {vae, other(denoiser, func(m *model.Manifest) { m.D = 768 }), ort.ErrMismatch, "wanted input c"},
		"both":      {other(vae, func(m *model.Manifest) { m.Latent.Factor = 2 }), other(denoiser, func(m *model.Manifest) { m.Latent.Factor = 2 }), ort.ErrMismatch, "wanted input p"},
		"scheduler": {vae, other(denoiser, func(m *model.Manifest) { m.Scheduler = &model.Scheduler{} }), nil, "0 steps"},
	} {
		r, err := recon.Open(rt, test.vae, test.denoiser, ort.SessionOptions{})
		if err == nil {
			r.Close()
		}
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error is %v, want %q", what, err, test.says)
		}
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	r := openPlain(t)
	good := ramp(.1)
	bad := func(change func(t *embed.Tokens)) embed.Tokens {
		b := embed.Tokens{T: good.T, D: good.D, Data: slices.Clone(good.Data)}
		change(&b)
		return b
	}
	for what, test := range map[string]struct {
		tokens embed.Tokens
		opts   recon.Options
		want   error
	}{
		"shape":      {bad(func(t *embed.Tokens) { t.T, t.D = 3, 5 }), recon.Options{}, recon.ErrMismatch},
		"short":      {bad(func(t *embed.Tokens) { t.Data = t.Data[1:] }), recon.Options{}, recon.ErrMismatch},
		"NaN":        {bad(func(t *embed.Tokens) { t.Data[7] = float32(math.NaN()) }), recon.Options{}, embed.ErrNotFinite},
		"zero":       {bad(func(t *embed.Tokens) { clear(t.Data) }), recon.Options{}, embed.ErrZero},
		"guidance":   {good, recon.Options{Guidance: math.Inf(1)}, embed.ErrNotFinite},
		"steps":      {good, recon.Options{Steps: 101}, nil},
		"candidates": {good, recon.Options{Candidates: -1}, nil},
	} {
		_, err := r.Reconstruct(t.Context(), []embed.Tokens{good, test.tokens}, scripted{}, test.opts)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: error is %v, want %v", what, err, test.want)
		}
	}
	seen := embed.Tokens{T: 1, D: plainD, Data: []float32{1, 0, 0}}
	_, err := r.Reconstruct(t.Context(), []embed.Tokens{good}, scripted{seen}, recon.Options{Candidates: 1})
	if !errors.Is(err, recon.ErrMismatch) {
		t.Errorf("an encoder of another shape: error is %v", err)
	}
	if found, err := r.Reconstruct(t.Context(), nil, scripted{}, recon.Options{}); err != nil || len(found) != 0 {
		t.Errorf("of no scans: %v, %v", found, err)
	}
}

func TestCancelledWithinAStep(t *testing.T) {
	r := openPlain(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := int64(0)
	_, err := r.Reconstruct(ctx, []embed.Tokens{ramp(.1)}, scripted{}, recon.Options{Steps: 50, Progress: func(r progress.Report) {
		if last = r.Done; last == 7 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || last != 7 {
		t.Errorf("cancelled in step 7: error is %v after step %d", err, last)
	}
}

// TestTheDenoiserIsOpenedWhenItIsNeeded takes its file away between: nothing was read of it.
func TestTheDenoiserIsOpenedWhenItIsNeeded(t *testing.T) {
	vae, denoiser := plain(t)
	r, err := recon.Open(orttest.Runtime(t), vae, denoiser, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := denoiser.GraphPath("denoiser")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = r.Reconstruct(t.Context(), []embed.Tokens{ramp(.1)}, scripted{ramp(.1)}, recon.Options{Candidates: 1})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its file: error is %v, wanted that there is none", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reconstruct(t.Context(), []embed.Tokens{ramp(.1)}, scripted{ramp(.1)}, recon.Options{Candidates: 1}); err != nil {
		t.Errorf("with its file again: %v", err)
	}
}
