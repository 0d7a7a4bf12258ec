package diffusion_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/embedtest"
	"engram/embed/model"
	"engram/recon/diffusion"
)

// solvers returns the names of the cases that scripts/golden_solvers.py made.
func solvers(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".json"); strings.Count(name, "_") >= 2 {
			names = append(names, name)
		}
	}
	if len(names) < 20 {
		t.Fatalf("%d cases of solvers, want 20 or more", len(names))
	}
	return names
}

// solving returns what a case says of the solver.
func solving(c embedtest.Case) diffusion.Solving {
	text := func(name string) string { return c.Attrs[name].(string) }
	return diffusion.Solving{
		Method: diffusion.Method(text("method")), Spacing: diffusion.Spacing(text("spacing")), Steps: len(c.Numbers("times")),
		Karras: c.Number("karras") == 1, Order: int(c.Number("order")), Offset: int(c.Number("offset")),
	}
}

// The library counts in float32, from betas on.
func TestSolversAgreeWithDiffusers(t *testing.T) {
	const tolerance = 1e-5
	for _, name := range solvers(t) {
		t.Run(name, func(t *testing.T) {
			c := embedtest.Read(t, name)
			s := schedule(t, c, c.Attrs["betas"].(string), c.Attrs["prediction"].(string))
			solver, err := s.Solver(solving(c))
			if err != nil {
				t.Fatal(err)
			}
			x, width := c.Inputs["x"].Float32s(), len(c.Inputs["x"].Data)
			predictions, want := c.Inputs["predictions"].Float32s(), c.Outputs["after_each_step"].Data
			for i, time := range c.Numbers("times") {
				embedtest.Near(t, "time", []float64{solver.Time()}, []float64{time}, tolerance)
				solver.Step(x, predictions[i*width:][:width])
				embedtest.Near(t, "latent", x, want[i*width:][:width], tolerance)
			}
			if solver.Left() != 0 {
				t.Errorf("%d steps are left", solver.Left())
			}
		})
	}
}

// With the predictions of a perfect network every solver arrives at the signal, in
// however many steps.
func TestSolversArrive(t *testing.T) {
	for _, how := range []diffusion.Solving{
		{Method: diffusion.DDIM}, {Method: diffusion.Euler, Karras: true}, {Method: diffusion.DPMSolver}, {Method: diffusion.UniPC, Order: 3},
	} {
		for _, how.Steps = range []int{1, 2, 3, 50} {
			s, err := diffusion.New(model.Scheduler{Steps: 1000, BetaStart: .00085, BetaEnd: .012, BetaSchedule: "linear", Prediction: "epsilon"})
			if err != nil {
				t.Fatal(err)
			}
			solver, err := s.Solver(how)
			if err != nil {
				t.Fatal(err)
			}
			signal, noise := solver.Mix()
			x := []float32{float32(.5*signal + 2*noise)}
			for solver.Left() > 0 {
				solver.Step(x, []float32{2})
			}
			embedtest.Near(t, string(how.Method), x, []float64{.5}, 1e-4)
		}
	}
}

func TestImpossibleSolversAreRefused(t *testing.T) {
	s := schedule(t, embedtest.Read(t, "sample"), "scaled_linear", "v")
	for says, how := range map[string]diffusion.Solving{
		"found 0":          {},
		"found 1001":       {Steps: 1001},
		`method is "heun"`: {Steps: 5, Method: "heun"},
		"for Karras":       {Steps: 5, Karras: true},
		"order is 4":       {Steps: 5, Method: diffusion.UniPC, Order: 4},
		`spacing is "even`: {Steps: 5, Spacing: "even"},
		"offset of 999":    {Steps: 5, Spacing: diffusion.Leading, Offset: 999},
		"offset is -1":     {Steps: 5, Spacing: diffusion.Leading, Offset: -1},
		"1000 steps of unipc with leading would visit": {Steps: 1000, Method: diffusion.UniPC, Spacing: diffusion.Leading},
		"1000 steps of dpm++2m with linspace would":    {Steps: 1000, Method: diffusion.DPMSolver, Spacing: diffusion.Linspace},
	} {
		if _, err := s.Solver(how); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: error is %v, want %q", how, err, says)
		}
	}
}

// Every number of steps that is not refused leads to finite latents, and another
// training step is visited each time.
func TestSolversStayFinite(t *testing.T) {
	const all = 40
	for _, betas := range []string{"scaled_linear", "cosine"} {
		s, err := diffusion.New(model.Scheduler{Steps: all, BetaStart: .00085, BetaEnd: .012, BetaSchedule: betas, Prediction: "v"})
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range diffusion.Methods() {
			for _, spacing := range diffusion.Spacings() {
				for n := 1; n <= all; n++ {
					how := diffusion.Solving{Method: method, Spacing: spacing, Steps: n, Order: 3}
					solver, err := s.Solver(how)
					if err != nil {
						if n != all || !strings.Contains(err.Error(), "wanted 1 to 39") {
							t.Errorf("%+v: %v", how, err)
						}
						continue
					}
					x, before := []float32{1, -.5}, float64(all)
					for solver.Left() > 0 {
						if time := solver.Time(); time >= before {
							t.Fatalf("%+v: time %v after %v", how, time, before)
						}
						before = solver.Time()
						solver.Step(x, []float32{.3 * x[0], .3 * x[1]})
					}
					if embed.FirstNotFinite(x) >= 0 {
						t.Errorf("%+v: %s arrives at %v", how, betas, x)
					}
				}
			}
		}
	}
}
