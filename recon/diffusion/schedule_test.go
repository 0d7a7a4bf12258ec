package diffusion_test

import (
	"testing"

	"engram/embed/embedtest"
	"engram/embed/model"
	"engram/recon/diffusion"
)

const tolerance = 1e-6 // float32 latents against float64

// schedule returns a schedule of 1000 steps with the betas of a golden case.
func schedule(t *testing.T, c embedtest.Case, betas, prediction string) *diffusion.Schedule {
	t.Helper()
	s, err := diffusion.New(model.Scheduler{
		Steps: 1000, BetaStart: c.Number("beta_start"), BetaEnd: c.Number("beta_end"),
		BetaSchedule: betas, Prediction: prediction,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchedulesAgreeWithDiffusers(t *testing.T) {
	for _, betas := range []string{"linear", "scaled_linear", "cosine"} {
		c := embedtest.Read(t, betas)
		s := schedule(t, c, betas, "v")
		var left []float64
		for _, step := range c.Numbers("at") {
			signal, noise := s.At(int(step))
			left = append(left, signal*signal)
			embedtest.Near(t, "variance", []float64{signal*signal + noise*noise}, []float64{1}, 1e-12)
		}
		embedtest.Near(t, betas, left, c.Outputs["left"].Data, 1e-8)
	}
}

func TestDDIMAgreesWithDiffusers(t *testing.T) {
	for _, prediction := range []string{"epsilon", "sample", "v"} {
		c := embedtest.Read(t, "ddim_"+prediction)
		s := schedule(t, c, "scaled_linear", prediction)
		solver, err := s.Solver(diffusion.Solving{Steps: len(c.Numbers("steps"))})
		if err != nil {
			t.Fatal(err)
		}
		x := c.Inputs["x"].Float32s()
		predictions, want := c.Inputs["predictions"].Float32s(), c.Outputs["after_each_step"].Data
		for i, step := range c.Numbers("steps") {
			if solver.Time() != step {
				t.Fatalf("step %d of 4 is at %v, want %v", i, solver.Time(), step)
			}
			solver.Step(x, predictions[i*len(x):][:len(x)])
			embedtest.Near(t, prediction, x, want[i*len(x):][:len(x)], tolerance)
		}
	}
}

// TestTheTruePredictionLeadsBack adds noise to a signal and takes one step with
// what a perfect network would predict.
func TestTheTruePredictionLeadsBack(t *testing.T) {
	signal, added := []float32{.5, -1.25, 2}, []float32{-.75, .5, 1}
	for _, prediction := range []string{"epsilon", "sample", "v"} {
		s, err := diffusion.New(model.Scheduler{Steps: 100, BetaSchedule: "cosine", Prediction: prediction})
		if err != nil {
			t.Fatal(err)
		}
		solver, err := s.Solver(diffusion.Solving{Steps: 1, Spacing: diffusion.Leading, Offset: 70})
		if err != nil {
			t.Fatal(err)
		}
		a, b := s.At(70)
		noisy, predicted := make([]float32, 3), make([]float32, 3)
		for i := range noisy {
			x, e := float64(signal[i]), float64(added[i])
			noisy[i] = float32(a*x + b*e)
			predicted[i] = float32(map[string]float64{"epsilon": e, "sample": x, "v": a*e - b*x}[prediction])
		}
		solver.Step(noisy, predicted)
		embedtest.Near(t, prediction, noisy, []float64{.5, -1.25, 2}, 1e-5)
	}
}

func TestImpossibleSchedulesAreRefused(t *testing.T) {
	good := model.Scheduler{Steps: 10, BetaStart: .1, BetaEnd: .2, BetaSchedule: "linear", Prediction: "v"}
	for what, change := range map[string]func(*model.Scheduler){
		"steps":      func(s *model.Scheduler) { s.Steps = 0 },
		"schedule":   func(s *model.Scheduler) { s.BetaSchedule = "sigmoid" },
		"prediction": func(s *model.Scheduler) { s.Prediction = "score" },
		"no noise":   func(s *model.Scheduler) { s.BetaStart = 1e-20 },
		"no signal":  func(s *model.Scheduler) { s.Steps, s.BetaEnd = 1000, .99 },
	} {
		s := good
		change(&s)
		if _, err := diffusion.New(s); err == nil {
			t.Errorf("%s: no error for %+v", what, s)
		}
	}
}
