package recon_test

import (
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
	"engram/recon"
)

// demoModel opens one of the models of data/models.
func demoModel(tb testing.TB, name string) *model.Model {
	tb.Helper()
	m, err := model.Open(filepath.Join("..", "data", "models", name))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// openDemo opens the demo's models, and returns the true tokens of n scenes.
func openDemo(tb testing.TB, n int, opts ort.SessionOptions) (*recon.Reconstructor, *clip.Encoder, []embed.Tokens) {
	tb.Helper()
	rt := orttest.Runtime(tb)
	encoder, err := clip.Open(rt, demoModel(tb, "clip"), clip.Options{Threads: opts.Threads})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { encoder.Close() })
	r, err := recon.Open(rt, demoModel(tb, "autoencoder"), demoModel(tb, "denoiser"), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	var seen []*pixels.Image
	const side = 64
	for i := range n {
		s := scenes.New(1).Scene(scenes.Train, uint64(i))
		img := &pixels.Image{W: side, H: side, Pix: make([]byte, 3*side*side)}
		s.DrawRGB(img.Pix, side)
		seen = append(seen, img)
	}
	tokens, err := encoder.EncodeTokens(tb.Context(), seen)
	if err != nil {
		tb.Fatal(err)
	}
	return r, encoder, tokens
}

// TestMemoryDoesNotGrowWithSteps compares what is allocated for few and for many steps.
func TestMemoryDoesNotGrowWithSteps(t *testing.T) {
	r, _, tokens := openDemo(t, 2, ort.SessionOptions{})
	const candidates = 8
	shown := scripted(slices.Repeat(tokens[:1], len(tokens)*candidates))
	allocated := func(steps int) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.Reconstruct(t.Context(), tokens, shown, recon.Options{Steps: steps, Candidates: candidates})
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	allocated(1) // which also opens what is opened when it is needed first
	const few, many = 2, 8
	// A run of a session allocates a few small things whatever it computes. One prediction
	// of these 16 latents has 128 KiB.
	if perStep := (allocated(many) - allocated(few)) / (many - few); perStep > 16<<10 {
		t.Errorf("a step allocates %.0f bytes, wanted no more than what two runs of a session take", perStep)
	}
}

// processor returns the processor time that the process has used.
func processor() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkReconstruct makes the best of four pictures of a scan in 20 steps with the demo's
// models. In turn it has models of the same shapes that compute next to nothing do the same:
// what these take is spent outside of ONNX Runtime, or in it whatever a model computes.
func BenchmarkReconstruct(b *testing.B) {
	const scans, candidates, steps = 4, 4, 20
	r, encoder, tokens := openDemo(b, scans, ort.SessionOptions{Threads: runtime.GOMAXPROCS(0)})
	idle := openIdle(b)
	timed := func(r *recon.Reconstructor, encoder recon.Encoder) float64 {
		begun := processor()
		if _, err := r.Reconstruct(b.Context(), tokens, encoder, recon.Options{Steps: steps, Candidates: candidates}); err != nil {
			b.Fatal(err)
		}
		return (processor() - begun).Seconds() / scans
	}
	shown := scripted(slices.Repeat(tokens[:1], scans*candidates))
	var all, outside []float64
	for b.Loop() {
		all, outside = append(all, timed(r, encoder)), append(outside, timed(idle, shown))
	}
	b.ReportMetric(median(all), "cpu-s/scan")
	b.ReportMetric(1e3*median(outside), "cpu-ms/scan-outside")
	b.ReportMetric(100*median(outside)/median(all), "%outside")
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

// openIdle opens models of the demo's shapes: a denoiser that predicts a hundredth of the
// latents, and a decoder that copies latents.
func openIdle(tb testing.TB) *recon.Reconstructor {
	tb.Helper()
	vae, denoiser := *demoModel(tb, "autoencoder"), *demoModel(tb, "denoiser")
	channels, side := vae.Latent.Channels, vae.ImageSize/vae.Latent.Factor
	g := grad.NewGraph()
	latents := g.Data("latent", onnx.Float, grad.Batch, channels, side, side)
	copies := 3 * vae.ImageSize * vae.ImageSize / (channels * side * side)
	pictures := grad.Reshape(grad.Concat(1, slices.Repeat([]*grad.Node{latents}, copies)...), grad.Batch, 3, vae.ImageSize, vae.ImageSize)
	vae.Files, denoiser.Files = nil, nil
	vae.Graphs = map[string]model.Graph{
		"decoder": {File: "model.onnx", Inputs: map[string]string{"latent": "latent"}, Outputs: map[string]string{"pixels": "image"}},
		// It is not opened.
		"encoder": {File: "model.onnx", Inputs: map[string]string{"pixels": "latent"}, Outputs: map[string]string{"latent": "image"}},
	}
	idleVAE := newModel(tb, vae.Manifest, onnxFile(tb, map[string]*grad.Node{"image": pictures}))

	g = grad.NewGraph()
	latents = g.Data("latent", onnx.Float, grad.Batch, channels, side, side)
	time := grad.Reshape(g.Data("time", onnx.Float, grad.Batch), grad.Batch, 1, 1, 1)
	context := grad.Reshape(grad.Slice(grad.Slice(g.Data("context", onnx.Float, grad.Batch, denoiser.T, denoiser.D), 1, 0, 1), 2, 0, 1), grad.Batch, 1, 1, 1)
	nothing := grad.Scale(grad.Add(time, context), 0)
	denoiser.Graphs = map[string]model.Graph{"denoiser": {
		File: "model.onnx", Outputs: map[string]string{"prediction": "prediction"},
		Inputs: map[string]string{"latent": "latent", "time": "time", "context": "context"},
	}}
	prediction := grad.Add(grad.Scale(latents, .01), nothing)
	idleDenoiser := newModel(tb, denoiser.Manifest, onnxFile(tb, map[string]*grad.Node{"prediction": prediction}))
	r, err := recon.Open(orttest.Runtime(tb), idleVAE, idleDenoiser, ort.SessionOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	return r
}
