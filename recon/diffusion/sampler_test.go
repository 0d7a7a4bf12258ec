package diffusion_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/embedtest"
	"engram/recon/diffusion"
)

func TestSampleAgreesWithNumPy(t *testing.T) {
	c := embedtest.Read(t, "sample")
	s := schedule(t, c, "scaled_linear", "v")
	x, matrix, condition := c.Inputs["x"].Float32s(), c.Inputs["matrix"].Matrix(), c.Inputs["condition"].Data
	var told [][2]int64
	how := diffusion.Sampling{
		Solving: diffusion.Solving{Steps: int(c.Number("steps"))}, Guidance: c.Number("guidance"),
		Progress: func(r progress.Report) { told = append(told, [2]int64{r.Done, r.Total}) },
	}
	err := s.Sample(t.Context(), x, how, func(_ context.Context, x []float32, time float64, conditioned bool) ([]float32, error) {
		out := make([]float32, len(x))
		for i := range out {
			p := time / 1000
			for j, v := range x {
				p += float64(matrix.Data[i*matrix.Stride+j]) * float64(v)
			}
			if conditioned {
				p = p/2 + condition[i]
			}
			out[i] = float32(p)
		}
		return out, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "clean", x, c.Outputs["clean"].Data, 1e-5) // four steps, each within tolerance
	if want := [][2]int64{{0, 4}, {1, 4}, {2, 4}, {3, 4}, {4, 4}}; !slices.Equal(told, want) {
		t.Errorf("progress is %v, want %v", told, want)
	}
}

var five = diffusion.Solving{Steps: 5}

// At a guidance of 1 the condition alone counts, and the network runs once.
func TestGuidanceOfOneRunsOnce(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "v")
	for guidance, want := range map[float64]int{1: 5, 1.5: 10, 0: 10} {
		runs := 0
		err := s.Sample(t.Context(), make([]float32, 3), diffusion.Sampling{Solving: five, Guidance: guidance},
			func(_ context.Context, x []float32, _ float64, conditioned bool) ([]float32, error) {
				runs++
				if !conditioned && guidance == 1 {
					t.Error("the network ran without its condition")
				}
				return slices.Clone(x), nil
			})
		if err != nil || runs != want {
			t.Errorf("guidance %v: %d runs, %v, want %d", guidance, runs, err, want)
		}
	}
}

func TestSampleEnds(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "v")
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	err := s.Sample(ctx, make([]float32, 3), diffusion.Sampling{Solving: five, Guidance: 2},
		func(_ context.Context, x []float32, _ float64, _ bool) ([]float32, error) {
			if runs++; runs == 3 {
				cancel()
			}
			return slices.Clone(x), nil
		})
	if !errors.Is(err, context.Canceled) || runs != 3 {
		t.Errorf("cancelled in run 3: %v after %d runs", err, runs)
	}
	for what, predict := range map[string]diffusion.Predict{
		"broken": func(context.Context, []float32, float64, bool) ([]float32, error) { return nil, broken },
		"short":  func(context.Context, []float32, float64, bool) ([]float32, error) { return make([]float32, 2), nil },
	} {
		err := s.Sample(t.Context(), make([]float32, 3), diffusion.Sampling{Solving: five, Guidance: 2}, predict)
		if err == nil || what == "broken" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Sample(t.Context(), nil, diffusion.Sampling{}, nil); err == nil {
		t.Error("0 steps were taken")
	}
}

// From an image the last steps alone are taken, and the image has as much noise as
// is left there.
func TestSampleFromAnImage(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "epsilon")
	start := []float32{.5, -1, 2}
	for strength, want := range map[float64]int{1: 20, .85: 17, .5: 10, .05: 1} {
		x, runs := []float32{1, -2, .25}, 0
		noise := slices.Clone(x)
		how := diffusion.Sampling{Solving: diffusion.Solving{Steps: 20}, Guidance: 1, Start: start, Strength: strength}
		var watched []int
		how.Watch = func(step int, clean []float32) error {
			watched = append(watched, step)
			embedtest.Near(t, "clean", clean, []float64{.5, -1, 2}, 1e-4)
			return nil
		}
		err := s.Sample(t.Context(), x, how, func(_ context.Context, x []float32, time float64, _ bool) ([]float32, error) {
			if runs++; runs == 1 {
				signal, left := s.At(int(time))
				for i := range x {
					embedtest.Near(t, "begins as", x[i:i+1], []float64{signal*float64(start[i]) + left*float64(noise[i])}, 1e-6)
				}
			}
			return slices.Clone(noise), nil
		})
		if err != nil || runs != want || len(watched) != want {
			t.Errorf("strength %v: %d steps, %d watched, %v, want %d", strength, runs, len(watched), err, want)
		}
		embedtest.Near(t, "a perfect network leads back to the image", x, []float64{.5, -1, 2}, 1e-4)
	}
}

func TestBadSamplingIsRefused(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "epsilon")
	nan := float32(math.NaN())
	for says, how := range map[string]diffusion.Sampling{
		"strength is 0":                  {Solving: five, Start: make([]float32, 3)},
		"strength is 1.5":                {Solving: five, Start: make([]float32, 3), Strength: 1.5},
		"strength is NaN":                {Solving: five, Start: make([]float32, 3), Strength: math.NaN()},
		"strength of 0.1 leaves none of": {Solving: five, Start: make([]float32, 3), Strength: .1},
		"the start has 2 elements":       {Solving: five, Start: make([]float32, 2), Strength: 1},
		"step 3 of 5 has NaN":            {Solving: five, Guidance: 1},
		"stopped":                        {Solving: five, Watch: func(int, []float32) error { return errors.New("stopped") }},
	} {
		runs := 0
		err := s.Sample(t.Context(), make([]float32, 3), how, func(_ context.Context, x []float32, _ float64, _ bool) ([]float32, error) {
			if runs++; runs == 3 && how.Guidance == 1 {
				return []float32{0, nan, 0}, nil
			}
			return slices.Clone(x), nil
		})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(says, "NaN") && how.Guidance == 1 && !errors.Is(err, embed.ErrNotFinite) {
			t.Errorf("error is %v, want %q", err, says)
		}
	}
}

// The memory of a way does not grow with its steps.
func TestStepsTakeNoMemory(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "epsilon")
	for _, method := range diffusion.Methods() {
		solver, err := s.Solver(diffusion.Solving{Method: method, Steps: 200})
		if err != nil {
			t.Fatal(err)
		}
		x, p := make([]float32, 1<<14), make([]float32, 1<<14)
		for range 5 {
			solver.Step(x, p)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			solver.Step(x, p)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<18 {
			t.Errorf("%s: 100 steps take %d bytes, want less than four latents of 64 KiB", method, grown)
		}
	}
}
