package recon_test

import (
	"path/filepath"
	"slices"
	"testing"

	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/eval"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/pixels"
	"engram/recon"
	"engram/recon/pretrain"

	"gonum.org/v1/gonum/blas/blas32"
)

// trained trains the tiny models, which takes seconds, and opens them.
func trained(t *testing.T) (*recon.Reconstructor, *clip.Encoder) {
	t.Helper()
	rt, dir := orttest.Runtime(t), t.TempDir()
	models := map[string]*model.Model{} // by folder: some trainings go on with another's model
	for _, m := range pretrain.Models() {
		if _, err := pretrain.Train(t.Context(), rt, dir, m, pretrain.Options{Scale: "tiny", Seed: 1}); err != nil {
			t.Fatal(m, err)
		}
		b, err := model.Open(filepath.Join(dir, m.Folder()))
		if err != nil {
			t.Fatal(err)
		}
		models[m.Folder()] = b
	}
	encoder, err := clip.Open(rt, models["clip"], clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { encoder.Close() })
	r, err := recon.Open(rt, models["autoencoder"], models["denoiser"], ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, encoder
}

// Pictures made from the tokens of scenes that no model has seen are recognised
// by the CLIP, and what is made of a scan depends on nothing else.
func TestTrainedModelsReconstruct(t *testing.T) {
	r, encoder := trained(t)
	const n = 20
	world := scenes.New(1)
	var seen []*pixels.Image
	for i := range uint64(n) {
		s := world.Scene(scenes.Test, i)
		img := &pixels.Image{W: 32, H: 32, Pix: make([]byte, 3*32*32)}
		s.DrawRGB(img.Pix, 32)
		seen = append(seen, img)
	}
	tokens, err := encoder.EncodeTokens(t.Context(), seen)
	if err != nil {
		t.Fatal(err)
	}
	four, err := r.Reconstruct(t.Context(), tokens, encoder, recon.Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	var made []*pixels.Image
	for _, f := range four {
		made = append(made, f.Image())
	}
	vectors, err := encoder.Encode(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	similarity, err := eval.Similarity(t.Context(), eval.Cosine, globals(tokens), matrixOf(vectors))
	if err != nil {
		t.Fatal(err)
	}
	if share, err := eval.TwoWay(similarity); err != nil || share < .7 {
		t.Errorf("two-way identification of %d is %.3f, %v, want .7: chance is .5", n, share, err)
	}

	alone, err := r.Reconstruct(t.Context(), tokens[5:6], encoder, recon.Options{Seed: 7, Candidates: 2})
	if err != nil {
		t.Fatal(err)
	}
	for c, candidate := range alone[0].Candidates {
		if d := farthest(candidate.Image, four[5].Candidates[c].Image); d > 1 {
			t.Errorf("candidate %d of scan 5 is %d of 255 away from itself in company", c, d)
		}
	}
	if farthest(alone[0].Candidates[0].Image, alone[0].Candidates[1].Image) < 3 {
		t.Error("two candidates are one")
	}
	other, err := r.Reconstruct(t.Context(), tokens[5:6], encoder, recon.Options{Seed: 8, Candidates: 1})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(other[0].Image().Pix, alone[0].Candidates[0].Image.Pix) {
		t.Error("two seeds make one picture")
	}
}

func globals(list []embed.Tokens) blas32.General {
	var vectors []embed.Vector
	for _, t := range list {
		vectors = append(vectors, t.Global())
	}
	return matrixOf(vectors)
}

func matrixOf(vectors []embed.Vector) blas32.General {
	m := blas32.General{Rows: len(vectors), Cols: len(vectors[0]), Stride: len(vectors[0])}
	for _, v := range vectors {
		m.Data = append(m.Data, v...)
	}
	return m
}

// farthest returns the greatest difference of two bytes.
func farthest(a, b *pixels.Image) int {
	most := 0
	for i, x := range a.Pix {
		most = max(most, int(x)-int(b.Pix[i]), int(b.Pix[i])-int(x))
	}
	return most
}
