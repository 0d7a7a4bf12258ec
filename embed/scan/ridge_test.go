package scan

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
)

// Weights and predictions are rounded to float32; 2e-6 is 16 of its steps.
const ridgeTolerance = 2e-6

func TestRidgeEqualsNumPy(t *testing.T) {
	for _, name := range []string{"ridge_dual", "ridge_primal"} {
		t.Run(name, func(t *testing.T) {
			g := embedtest.Read(t, name)
			r, err := FitRidge(t.Context(), g.Inputs["voxels"].Matrix(), g.Inputs["targets"].Matrix(),
				RidgeOptions{Lambda: g.Number("lambda")})
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "weights", r.Weights.Data, g.Outputs["weights"].Data, ridgeTolerance)
			predicted, err := r.Predict(t.Context(), g.Inputs["new"].Matrix())
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "predictions", predicted.Data, g.Outputs["predicted"].Data, ridgeTolerance)
		})
	}
}

// The goldens' errors come from refitting without the trials that are left
// out, once for every trial, or every image, and every penalty.
func TestLambdaIsChosenByTrulyLeavingOut(t *testing.T) {
	for _, name := range []string{"ridge_dual", "ridge_primal"} {
		g := embedtest.Read(t, name)
		images := g.Inputs["images"].Ints()
		for kind, ids := range map[string][]int{"trial": nil, "image": images} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				r, err := FitRidge(t.Context(), g.Inputs["voxels"].Matrix(), g.Inputs["targets"].Matrix(), RidgeOptions{Images: ids})
				if err != nil {
					t.Fatal(err)
				}
				embedtest.Near(t, "λ", []float64{r.Lambda}, g.Outputs[kind+"_lambda"].Data, 1e-8)
				embedtest.Near(t, "errors", leftOutErrors(t, g, ids), g.Outputs[kind+"_errors"].Data, 1e-7)
			})
		}
	}
}

// leftOutErrors returns the error of every λ of the golden's grid.
func leftOutErrors(t *testing.T, g embedtest.Case, images []int) []float64 {
	t.Helper()
	p, err := newProblem(t.Context(), g.Inputs["voxels"].Matrix(), g.Inputs["targets"].Matrix(), RidgeOptions{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.sum(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out []float64
	for _, lambda := range g.Outputs["grid"].Data {
		solved, err := p.at(t.Context(), lambda)
		if err != nil {
			t.Fatal(err)
		}
		var left []float64
		if err := solved.errors(t.Context(), 0, func(_ int, missed []float64) { left = append(left, missed...) }); err != nil {
			t.Fatal(err)
		}
		norm := blas64.Nrm2(blas64.Vector{N: len(left), Inc: 1, Data: left})
		out = append(out, norm*norm)
	}
	return out
}

func TestRidgeRefuses(t *testing.T) {
	good, flat := matrix.New(4, 3), matrix.New(4, 3)
	for i := range good.Data {
		good.Data[i] = float32(i * i % 7)
	}
	twins := matrix.New(4, 2) // two equal voxels and no penalty to speak of
	for i := range 4 {
		twins.Data[2*i], twins.Data[2*i+1] = float32(i), float32(i)
	}
	nan := matrix.New(4, 3)
	nan.Data[5] = float32(math.NaN())
	for _, c := range []struct {
		name    string
		x, y    blas32.General
		opts    RidgeOptions
		message string
		is      error
	}{
		{"NaN voxel", nan, good, RidgeOptions{}, "voxels: trial 1, voxel 2 is NaN", embed.ErrNotFinite},
		{"NaN target", good, nan, RidgeOptions{}, "targets: trial 1, element 2 is NaN", embed.ErrNotFinite},
		{"too few targets", good, matrix.New(3, 3), RidgeOptions{}, "found 4 trials and 3 targets", nil},
		{"too few images", good, good, RidgeOptions{Images: []int{1}}, "found 4 trials and 1 images", nil},
		{"one image only", good, good, RidgeOptions{Images: []int{1, 1, 1, 1}}, "two images at least", nil},
		{"negative λ", good, good, RidgeOptions{Lambda: -1}, "finite λ of at least 0, found -1", nil},
		{"NaN λ", good, good, RidgeOptions{Lambda: math.NaN()}, "found NaN", nil},
		{"one trial", matrix.New(1, 3), matrix.New(1, 3), RidgeOptions{Lambda: 1}, "2 trials at least, found 1", nil},
		{"nothing varies", flat, good, RidgeOptions{}, "no voxel varies", nil},
		{"singular", twins, good, RidgeOptions{Lambda: 1e-300}, "raise λ", ErrSingular},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := FitRidge(t.Context(), c.x, c.y, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Fatalf("got %v, want %q", err, c.message)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v does not wrap %v", err, c.is)
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FitRidge(cancelled, good, good, RidgeOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled fit returned %v", err)
	}
	r, err := FitRidge(t.Context(), good, good, RidgeOptions{Lambda: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Predict(t.Context(), twins); err == nil || err.Error() != "voxels: the decoder reads 3 voxels, the scan has 2" {
		t.Errorf("got %v", err)
	}
	if _, err := r.Predict(t.Context(), nan); !errors.Is(err, embed.ErrNotFinite) {
		t.Errorf("got %v", err)
	}
}

// The sizes lie between digits69 and one NSD subject: 1,000 trials.
func BenchmarkFitRidge(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := matrix.New(1000, 3000), matrix.New(1000, 768)
	for _, m := range []blas32.General{x, y} {
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
	}
	for name, opts := range map[string]RidgeOptions{"fixed": {Lambda: 1000}, "chosen": {}} {
		b.Run("lambda="+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := FitRidge(b.Context(), x, y, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The sizes of an NSD subject's first third: λ is chosen, and every image of three
// trials is left out. scripts/bench_ridge.py is the same in SciPy.
func BenchmarkRidgeOfASubject(b *testing.B) {
	const trials, voxels, dims = 9000, 15724, 768
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := matrix.New(trials, voxels), matrix.New(trials, dims)
	for _, m := range []blas32.General{x, y} {
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
	}
	images := make([]int, trials)
	for i := range images {
		images[i] = i / 3
	}
	for b.Loop() {
		if _, err := FitRidge(b.Context(), x, y, RidgeOptions{Images: images, LeaveOut: true}); err != nil {
			b.Fatal(err)
		}
	}
}
