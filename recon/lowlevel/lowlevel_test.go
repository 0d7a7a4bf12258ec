package lowlevel_test

import (
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/recon/lowlevel"

	"gonum.org/v1/gonum/blas/blas32"
)

// Latents of the tests are 3×2×2.
const channels, side = 3, 2

// copying returns an autoencoder whose latents are its pictures.
func copying(t *testing.T, scale float64) *model.Model {
	t.Helper()
	g := grad.NewGraph()
	content, err := grad.Export(map[string]*grad.Node{"q": grad.Scale(g.Data("p", onnx.Float, grad.Batch, channels, side, side), 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m.onnx"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := model.Write(dir, model.Manifest{
		Kind: model.VAE, Name: "copy", Version: "1", Licence: "CC0-1.0", Source: "a test", ImageSize: side,
		Latent:     &model.Latent{Channels: channels, Factor: 1, Scale: scale},
		Preprocess: &model.Preprocess{Filter: "bilinear", Crop: "center", Range: [2]float64{0, 1}, Std: [3]float64{1, 1, 1}},
		Graphs: map[string]model.Graph{
			"encoder": {File: "m.onnx", Inputs: map[string]string{"pixels": "p"}, Outputs: map[string]string{"latent": "q"}},
			"decoder": {File: "m.onnx", Inputs: map[string]string{"latent": "p"}, Outputs: map[string]string{"pixels": "q"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// seen returns scans whose voxels are a random mixture of the latents, three for each
// image, with noise.
func seen(t *testing.T, images int, noise float64) lowlevel.Data {
	const voxels, repeats, elements = 40, 3, channels * side * side
	rng := rand.New(rand.NewPCG(1, 2))
	mix := make([]float64, elements*voxels)
	for i := range mix {
		mix[i] = rng.NormFloat64()
	}
	d := lowlevel.Data{
		Voxels:      blas32.General{Cols: voxels, Stride: voxels},
		Latents:     blas32.General{Rows: images, Cols: elements, Stride: elements},
		Autoencoder: copying(t, 1),
	}
	for image := range images {
		latent := make([]float64, elements)
		for k := range latent {
			latent[k] = rng.NormFloat64()
			d.Latents.Data = append(d.Latents.Data, float32(latent[k]))
		}
		for range repeats {
			for v := range voxels {
				x := 100 + noise*rng.NormFloat64()
				for k, z := range latent {
					x += z * mix[k*voxels+v]
				}
				d.Voxels.Data = append(d.Voxels.Data, float32(x))
			}
			d.Images = append(d.Images, image)
			d.Voxels.Rows++
		}
	}
	return d
}

func TestLatentsAreFoundInScans(t *testing.T) {
	rt := orttest.Runtime(t)
	all := seen(t, 120, .5)
	train := all
	train.Voxels.Rows, train.Images = 300, all.Images[:300]
	m, err := lowlevel.TrainRidge(t.Context(), rt, train, scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "low")
	if _, err := lowlevel.Open(rt, dir, all.Autoencoder, ort.SessionOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a model: %v", err)
	}
	for range 2 { // the second one replaces the first
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	p, err := lowlevel.Open(rt, dir, all.Autoencoder, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	test := blas32.General{Rows: 60, Cols: 40, Stride: 40, Data: all.Voxels.Data[300*40:]}
	found, err := p.Predict(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	var miss, power float64
	for i := range 60 {
		for k := range channels * side * side {
			z := float64(all.Latents.Data[(100+i/3)*12+k])
			miss, power = miss+math.Pow(z-float64(found[i*12+k]), 2), power+z*z
		}
	}
	if len(found) != 60*12 || miss > .1*power {
		t.Errorf("%d elements miss %.3f of the variance of new images, want 720 and less than .1", len(found), miss/power)
	}

	if _, err := lowlevel.Open(rt, dir, copying(t, 2), ort.SessionOptions{}); !errors.Is(err, lowlevel.ErrMismatch) {
		t.Errorf("another autoencoder: %v", err)
	}
	if _, err := lowlevel.Open(rt, all.Autoencoder.Dir(), all.Autoencoder, ort.SessionOptions{}); !errors.Is(err, lowlevel.ErrMismatch) {
		t.Errorf("a model of another kind: %v", err)
	}
	if _, err := p.Predict(t.Context(), blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: []float32{1, 2, 3}}); !errors.Is(err, lowlevel.ErrMismatch) {
		t.Errorf("three voxels: %v", err)
	}
	test.Data[41] = float32(math.NaN())
	if _, err := p.Predict(t.Context(), test); !errors.Is(err, embed.ErrNotFinite) || !strings.Contains(err.Error(), "voxel 1 of scan 1") {
		t.Errorf("a voxel that is not a number: %v", err)
	}
}

func TestLatentsOfAnotherSizeAreRefused(t *testing.T) {
	d := seen(t, 10, 1)
	d.Latents.Rows, d.Latents.Cols, d.Latents.Stride = 20, 6, 6
	if _, err := lowlevel.TrainRidge(t.Context(), orttest.Runtime(t), d, scan.Options{}); !errors.Is(err, lowlevel.ErrMismatch) {
		t.Errorf("latents of 6 elements: %v", err)
	}
}

// TestANetworkFindsLatents has latents that are no linear function of the voxels.
func TestANetworkFindsLatents(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	all := seen(t, 700, .5)
	const elements = channels * side * side
	for i, x := range all.Latents.Data {
		all.Latents.Data[i] = float32(math.Abs(float64(x)))
	}
	train := all
	train.Voxels.Rows, train.Images = 1800, all.Images[:1800]
	test := blas32.General{Rows: 300, Cols: 40, Stride: 40, Data: all.Voxels.Data[1800*40:]}
	missed := func(m *lowlevel.Model, err error) (sum float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Open(rt, ort.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		found, err := p.Predict(t.Context(), test)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range found {
			sum += math.Abs(float64(x-all.Latents.Data[(600+i/elements/3)*elements+i%elements])) / float64(len(found))
		}
		return sum
	}
	ridge := missed(lowlevel.TrainRidge(t.Context(), rt, train, scan.Options{}))
	network := missed(lowlevel.TrainNetwork(t.Context(), rt, train, lowlevel.NetworkOptions{Width: 64, Epochs: 250}))
	if network > .9*ridge {
		t.Errorf("the network is %.3f off, the ridge %.3f", network, ridge)
	}
	train.Voxels.Data = append([]float32{}, train.Voxels.Data...)
	train.Voxels.Data[41] = float32(math.NaN())
	_, err := lowlevel.TrainNetwork(t.Context(), rt, train, lowlevel.NetworkOptions{})
	if !errors.Is(err, embed.ErrNotFinite) || !strings.Contains(err.Error(), "voxel 1 of scan 1") {
		t.Errorf("a voxel that is not a number: %v", err)
	}
	train.Latents.Cols--
	if _, err := lowlevel.TrainNetwork(t.Context(), rt, train, lowlevel.NetworkOptions{}); !errors.Is(err, lowlevel.ErrMismatch) {
		t.Errorf("latents of another size: %v", err)
	}
}
