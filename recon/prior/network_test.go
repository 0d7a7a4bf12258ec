package prior_test

import (
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/space"
	"engram/embed"
	"engram/embed/nn"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/recon/prior"

	"gonum.org/v1/gonum/blas/blas32"
)

// Tokens of the tests are 2×4, and every element of an image is +1 or -1: a cloud that has
// corners, where a prediction lies anywhere between them.
const testT, testD = 2, 4

// corners returns tokens of images and predictions of them: half of each element, and noise.
func corners(n int, seed uint64) prior.Pairs {
	rng := rand.New(rand.NewPCG(seed, 9))
	p := prior.Pairs{T: testT, D: testD}
	for _, m := range []*blas32.General{&p.Predicted, &p.Seen} {
		*m = blas32.General{Rows: n, Cols: testT * testD, Stride: testT * testD}
	}
	for range n * testT * testD {
		x := float32(2*rng.IntN(2) - 1)
		p.Seen.Data, p.Predicted.Data = append(p.Seen.Data, x), append(p.Predicted.Data, .5*x+.3*float32(rng.NormFloat64()))
	}
	return p
}

// rowsOf returns the rows of a matrix as tokens.
func rowsOf(m blas32.General) (list []embed.Tokens) {
	for i := range m.Rows {
		list = append(list, embed.Tokens{T: testT, D: testD, Data: m.Data[i*m.Stride:][:m.Cols]})
	}
	return list
}

func train(t *testing.T) *prior.Network {
	t.Helper()
	n, err := prior.Train(t.Context(), orttest.Runtime(t), corners(1000, 1), prior.TrainOptions{
		Shape:  prior.Shape{Tokens: testT, Dim: testD, Width: 32, Layers: nn.Transformer{Layers: 1, Heads: 2}},
		Epochs: 60, Steps: 32, Batch: 64, LR: 3e-3, Seed: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSamplesLieWhereImagesDo wants of the samples what no linear map can do: every element
// near +1 or -1, and nearer to the true one than the prediction and its best linear map.
func TestSamplesLieWhereImagesDo(t *testing.T) {
	n := train(t)
	s, err := n.Open(orttest.Runtime(t), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	test := corners(60, 2)
	linear, err := prior.FitLinear(t.Context(), corners(1000, 1).Predicted, corners(1000, 1).Seen)
	if err != nil {
		t.Fatal(err)
	}
	aligned, err := linear.Align(test.Predicted)
	if err != nil {
		t.Fatal(err)
	}
	const samples = 4
	for _, how := range []prior.SampleOptions{
		{Samples: samples, Seed: 5}, {Samples: samples, Seed: 5, Method: prior.DDPM, Steps: 100},
	} {
		made, err := s.Sample(t.Context(), rowsOf(test.Predicted), how)
		if err != nil {
			t.Fatal(err)
		}
		mean, off, different := blas32.General{Data: make([]float32, len(test.Seen.Data))}, 0., false
		for i, m := range made {
			for k, x := range m.Data {
				mean.Data[i/samples*testT*testD+k] += x / samples
				off += math.Abs(math.Abs(float64(x))-1) / float64(len(made)*len(m.Data))
				different = different || x != made[i/samples*samples].Data[k]
			}
		}
		raw, line, found := missing(test.Predicted, test.Seen), missing(aligned, test.Seen), missing(mean, test.Seen)
		t.Logf("%+v: error raw %.3f, linear %.3f, mean of the samples %.3f; samples are %.3f from ±1", how, raw, line, found, off)
		if len(made) != 60*samples || found > .8*line || line > raw || off > .3 || !different {
			t.Errorf("%+v: want samples near ±1, which differ, and a mean that misses clearly less than %.3f", how, line)
		}
	}
	if n.Missed > .7 {
		t.Errorf("of the held-out pairs %.3f of the prediction's error is left, want clearly less", n.Missed)
	}
	checkRepeats(t, s, rowsOf(test.Predicted))
}

// checkRepeats compares the samples of predictions with the samples of each alone.
func checkRepeats(t *testing.T, s *prior.Sampler, predicted []embed.Tokens) {
	t.Helper()
	how := prior.SampleOptions{Samples: 2, Method: prior.DDPM, Steps: 10, Seed: 7}
	all, err := s.Sample(t.Context(), predicted[:20], how)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := s.Sample(t.Context(), predicted[15:16], how)
	if err != nil {
		t.Fatal(err)
	}
	for k, x := range alone[1].Data {
		if math.Abs(float64(x-all[31].Data[k])) > 1e-4 {
			t.Fatalf("sample 1 of prediction 15 is %v alone and %v among others", alone[1].Data, all[31].Data)
		}
	}
	broken := embed.Tokens{T: testT, D: testD, Data: make([]float32, testT*testD)}
	broken.Data[3] = float32(math.NaN())
	for want, run := range map[string]func() error{
		"element 3 of prediction 0 is NaN": func() error {
			_, err := s.Sample(t.Context(), []embed.Tokens{broken}, prior.SampleOptions{})
			return err
		},
		"prediction 0 has 1×8": func() error {
			_, err := s.Sample(t.Context(), []embed.Tokens{{T: 1, D: 8, Data: make([]float32, 8)}}, prior.SampleOptions{})
			return err
		},
		"1 to 100 steps": func() error {
			_, err := s.Sample(t.Context(), predicted[:1], prior.SampleOptions{Steps: 101})
			return err
		},
		"the method ddim or ddpm": func() error {
			_, err := s.Sample(t.Context(), predicted[:1], prior.SampleOptions{Method: "euler"})
			return err
		},
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestNetworksAreReadAsTheyWereWritten(t *testing.T) {
	rt := orttest.Runtime(t)
	pairs := corners(40, 1)
	for i := range pairs.Seen.Rows { // global tokens of length 1
		for k := range testT * testD {
			pairs.Seen.Data[i*testT*testD+k] /= 2
		}
	}
	n, err := prior.Train(t.Context(), rt, pairs, prior.TrainOptions{
		Shape: prior.Shape{Tokens: testT, Dim: testD, Width: 8, Layers: nn.Transformer{Layers: 1, Heads: 1}}, Epochs: 1, Steps: 2, Batch: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "prior")
	target := space.Space{Name: "a", Fingerprint: strings.Repeat("ab", 32)}
	if _, err := prior.OpenSampler(rt, dir, target, ort.SessionOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a network: %v", err)
	}
	if err := n.Save(dir, target); err != nil {
		t.Fatal(err)
	}
	s, err := prior.OpenSampler(rt, dir, target, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, err := n.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	predicted := rowsOf(pairs.Predicted)[:3]
	a, err := s.Sample(t.Context(), predicted, prior.SampleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Sample(t.Context(), predicted, prior.SampleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		for k, x := range a[i].Data {
			if x != b[i].Data[k] {
				t.Fatalf("the file gives %v, memory %v", a[i].Data, b[i].Data)
			}
		}
		if length := embed.Norm(a[i].Data[:testD]); math.Abs(length-1) > 1e-5 {
			t.Errorf("the global token has the length %v, want 1 as the images' have", length)
		}
	}
	if _, err := prior.OpenSampler(rt, dir, space.Space{Name: "b", Fingerprint: strings.Repeat("cd", 32)}, ort.SessionOptions{}); !errors.Is(err, prior.ErrOther) {
		t.Errorf("a prior of another space: %v", err)
	}
	if _, err := prior.Train(t.Context(), rt, corners(19, 1), prior.TrainOptions{}); err == nil || !strings.Contains(err.Error(), "wanted 20 pairs or more") {
		t.Errorf("19 pairs: %v", err)
	}
}
