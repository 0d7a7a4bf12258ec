package recon_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/embedtest"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/recon"
)

var update = flag.Bool("update", false, "write the golden files that Engram makes")

// noiseFile has the noise of the first candidate of seed 0 for the models in
// testdata/exported, [4, 8, 8], for scripts/golden_diffusion.py.
const noiseFile = "testdata/golden/noise.json"

func TestNoiseOfTheGoldens(t *testing.T) {
	rng := rand.New(rand.NewPCG(0, 0))
	want := make([]float64, 4*8*8)
	for i := range want {
		want[i] = float64(float32(rng.NormFloat64()))
	}
	if *update {
		text, err := json.Marshal(map[string]any{"inputs": map[string]any{"noise": map[string]any{"shape": []int{4, 8, 8}, "data": want}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(noiseFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	embedtest.Near(t, "noise", embedtest.Read(t, "noise").Inputs["noise"].Float32s(), want, 0)
}

// exported opens a model that scripts/export_diffusion.py wrote.
func exported(t *testing.T, path ...string) *model.Model {
	t.Helper()
	m, err := model.Open(filepath.Join(append([]string{"testdata", "exported"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Pipelines that were exported make the pictures that the diffusers library makes,
// from the same noise: by context and UniPC, and by unCLIP's labels, an empty text within
// the graph and DDIM.
func TestExportedPipelinesEqualDiffusers(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	for _, name := range []string{"variations", "unclip"} {
		t.Run(name, func(t *testing.T) {
			r, err := recon.Open(rt, exported(t, name, "autoencoder"), exported(t, name, "denoiser"), ort.SessionOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			golden := embedtest.Read(t, name)
			given := golden.Inputs["embeddings"].Matrix()
			var tokens []embed.Tokens
			for i := range given.Rows {
				tokens = append(tokens, embed.Tokens{T: 1, D: given.Cols, Data: given.Data[i*given.Stride:][:given.Cols]})
			}
			made, err := r.Reconstruct(t.Context(), tokens, scripted(tokens), recon.Options{Candidates: 1})
			if err != nil {
				t.Fatal(err)
			}
			want := golden.Outputs["pixels"].Data
			for i, m := range made {
				pix := m.Image().Pix
				worst := 0.
				for k, v := range pix {
					worst = max(worst, math.Abs(float64(v)-want[i*len(pix)+k]))
				}
				if worst > 1 {
					t.Errorf("picture %d is up to %v of 255 from the library's, want at most 1", i, worst)
				}
			}
		})
	}
}

// changed returns a copy of a model whose manifest is another one.
func changed(t *testing.T, m *model.Model, change func(*model.Manifest)) *model.Model {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.Dir())); err != nil {
		t.Fatal(err)
	}
	manifest := m.Manifest
	manifest.Graphs = maps.Clone(m.Graphs)
	latent, scheduler := *m.Latent, model.Scheduler{}
	if manifest.Latent = &latent; m.Scheduler != nil {
		scheduler = *m.Scheduler
		manifest.Scheduler = &scheduler
	}
	change(&manifest)
	written, err := model.Write(dir, manifest)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// Exported models that do not belong together are refused with what was wanted and
// found.
func TestExportedModelsOfTwoPipelinesAreRefused(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	vae, denoiser := exported(t, "variations", "autoencoder"), exported(t, "variations", "denoiser")
	for what, test := range map[string]struct {
		vae, denoiser *model.Model
		is            error
		says          string
	}{
		"two denoisers":    {denoiser, denoiser, recon.ErrMismatch, "is a model of kind denoiser, wanted vae"},
		"two autoencoders": {vae, vae, recon.ErrMismatch, "is a model of kind vae, wanted denoiser"},
		"another scale":    {changed(t, vae, func(m *model.Manifest) { m.Latent.Scale = .13025 }), denoiser, recon.ErrMismatch, "scale 0.18215, "},
		"another size":     {changed(t, vae, func(m *model.Manifest) { m.ImageSize = 32 }), denoiser, recon.ErrMismatch, "of 32 pixels a side"},
		"another channel":  {vae, changed(t, denoiser, func(m *model.Manifest) { m.Latent.Channels = 16 }), recon.ErrMismatch, "16 channels"},
		"other tokens":     {vae, changed(t, denoiser, func(m *model.Manifest) { m.T = 257 }), ort.ErrMismatch, "wanted input context float32[?,257,12], found"},
		"other embeddings": {vae, changed(t, denoiser, func(m *model.Manifest) { m.D = 768 }), ort.ErrMismatch, "float32[?,1,768], found"},
		"a wrong file":     {vae, changed(t, denoiser, func(m *model.Manifest) { m.Graphs["denoiser"] = renamed(m.Graphs["denoiser"]) }), ort.ErrMismatch, "wanted input encoder_hidden_states"},
		"no signal left":   {vae, changed(t, denoiser, func(m *model.Manifest) { m.Scheduler.BetaEnd, m.Scheduler.BetaSchedule = .99, "linear" }), nil, "leaves 0 of the signal's variance"},
	} {
		r, err := recon.Open(rt, test.vae, test.denoiser, ort.SessionOptions{})
		if err == nil {
			r.Close()
		}
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want one line with %q", what, err, test.says)
		}
	}
}

// renamed gives a graph's context another tensor.
func renamed(g model.Graph) model.Graph {
	g.Inputs = map[string]string{"latent": "latent", "time": "time", "context": "encoder_hidden_states"}
	return g
}
