package diffusion_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"engram/data/progress"
	"engram/embed/embedtest"
	"engram/recon/diffusion"
)

func TestSampleAgreesWithNumPy(t *testing.T) {
	c := embedtest.Read(t, "sample")
	s := schedule(t, c, "scaled_linear", "v")
	x, matrix, condition := c.Inputs["x"].Float32s(), c.Inputs["matrix"].Matrix(), c.Inputs["condition"].Data
	var told [][2]int64
	how := diffusion.Sampling{
		Steps: int(c.Number("steps")), Guidance: c.Number("guidance"),
		Progress: func(r progress.Report) { told = append(told, [2]int64{r.Done, r.Total}) },
	}
	err := s.Sample(t.Context(), x, how, func(_ context.Context, x []float32, step int, conditioned bool) ([]float32, error) {
		out := make([]float32, len(x))
		for i := range out {
			p := float64(step) / 1000
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

// At a guidance of 1 the condition alone counts, and the network runs once.
func TestGuidanceOfOneRunsOnce(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "v")
	for guidance, want := range map[float64]int{1: 5, 1.5: 10, 0: 10} {
		runs := 0
		err := s.Sample(t.Context(), make([]float32, 3), diffusion.Sampling{Steps: 5, Guidance: guidance},
			func(_ context.Context, x []float32, _ int, conditioned bool) ([]float32, error) {
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
	err := s.Sample(ctx, make([]float32, 3), diffusion.Sampling{Steps: 5, Guidance: 2},
		func(_ context.Context, x []float32, _ int, _ bool) ([]float32, error) {
			if runs++; runs == 3 {
				cancel()
			}
			return slices.Clone(x), nil
		})
	if !errors.Is(err, context.Canceled) || runs != 3 {
		t.Errorf("cancelled in run 3: %v after %d runs", err, runs)
	}
	for what, predict := range map[string]diffusion.Predict{
		"broken": func(context.Context, []float32, int, bool) ([]float32, error) { return nil, broken },
		"short":  func(context.Context, []float32, int, bool) ([]float32, error) { return make([]float32, 2), nil },
	} {
		err := s.Sample(t.Context(), make([]float32, 3), diffusion.Sampling{Steps: 5, Guidance: 2}, predict)
		if err == nil || what == "broken" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Sample(t.Context(), nil, diffusion.Sampling{}, nil); err == nil {
		t.Error("0 steps were taken")
	}
}
