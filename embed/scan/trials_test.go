package scan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"engram/data/progress"
	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// otherTargets returns targets that ask for another penalty than repeatedTrials' do: they
// have several times the noise.
func otherTargets(y blas32.General) blas32.General {
	_, noise, _ := repeatedTrials(9, y.Rows, y.Cols, y.Cols)
	out := matrix.Clone(y)
	for i, x := range noise.Data {
		out.Data[i] += 30 * x
	}
	return out
}

// A regression that shares its trials with another one, to targets of another width and with
// another penalty, is the regression alone: in both forms, and where λ is searched for from a
// sample.
func TestSharedTrialsGiveTheRidgeAlone(t *testing.T) {
	for _, c := range []struct{ trials, voxels int }{{240, 300}, {300, 240}, {gridTrials + 200, 60}} {
		t.Run(fmt.Sprintf("%d trials, %d voxels", c.trials, c.voxels), func(t *testing.T) {
			x, y, images := repeatedTrials(4, c.trials, c.voxels, 6)
			other := otherTargets(matrix.Part(y, 0, y.Rows))
			other.Cols = 4
			shared := NewTrials(x, images)
			var lambdas []float64
			for _, targets := range []blas32.General{y, other, y} {
				want, err := NewTrials(x, images).fit(t.Context(), targets, RidgeOptions{LeaveOut: true})
				if err != nil {
					t.Fatal(err)
				}
				got, err := shared.fit(t.Context(), targets, RidgeOptions{LeaveOut: true})
				if err != nil {
					t.Fatal(err)
				}
				if got.Lambda != want.Lambda {
					t.Errorf("λ is %g, alone %g", got.Lambda, want.Lambda)
				}
				lambdas = append(lambdas, got.Lambda)
				embedtest.Near(t, "weights", got.Weights.Data, float64s(want.Weights.Data), 1e-6)
				embedtest.Near(t, "left out", got.LeftOut.Data, float64s(want.LeftOut.Data), 1e-6)
				embedtest.Near(t, "voxel means", got.VoxelMean, float64s(want.VoxelMean), 0)
				embedtest.Near(t, "target means", got.TargetMean, float64s(want.TargetMean), 0)
			}
			if lambdas[0] == lambdas[1] {
				t.Errorf("both targets take λ = %g, which shows nothing of another one", lambdas[0])
			}
		})
	}
}

// The second regression says how much less it has to do.
func TestSharedTrialsReportTheWorkThatIsLeft(t *testing.T) {
	for _, voxels := range []int{900, 500} {
		x, y, images := repeatedTrials(1, 700, voxels, 5)
		shared := NewTrials(x, images)
		var last progress.Report
		var totals, planned []int64
		for range 2 {
			first := true
			watch := progress.Func(func(r progress.Report) {
				if first {
					planned = append(planned, r.Total)
				}
				first, last = false, r
			})
			if _, err := shared.fit(t.Context(), y, RidgeOptions{LeaveOut: true, Progress: watch}); err != nil {
				t.Fatal(err)
			}
			totals = append(totals, last.Total)
		}
		if totals[1] >= totals[0]*4/5 {
			t.Errorf("%d voxels: the second ridge took %d billion operations, the first one %d", voxels, totals[1], totals[0])
		}
		if share := float64(planned[1]) / float64(totals[1]); share < .7 || share > 1.4 {
			t.Errorf("%d voxels: %d billion operations were planned, and %d done", voxels, planned[1], totals[1])
		}
	}
}

// Trials of other data are refused.
func TestSharedTrialsBelongToTheirData(t *testing.T) {
	x, y, images := repeatedTrials(1, 60, 10, 3)
	data := Data{Voxels: x, Images: images, Targets: y, T: 1, D: 3}
	turned := append(images[1:len(images):len(images)], images[0])
	for _, c := range []struct {
		name   string
		shared *Trials
		want   string
	}{
		{"a copy of the voxels", NewTrials(matrix.Clone(x), images), "scan: the shared trials are not the voxels of the data"},
		{"fewer trials", NewTrials(matrix.Part(x, 0, 59), images[:59]), "scan: the shared trials are not the voxels of the data"},
		{"other images", NewTrials(x, turned), "scan: the shared trials saw other images than the trials of the data"},
		{"no trials", NewTrials(blas32.General{}, nil), "scan: the shared trials are not the voxels of the data"},
	} {
		_, err := Train(t.Context(), nil, data, Options{Preset: PresetLinear, Trials: c.shared})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Train(t.Context(), nil, data, Options{Preset: PresetLinear, Trials: NewTrials(x, images)}); err != nil {
		t.Errorf("the data's own trials: %v", err)
	}
}

// Two trainings that run at once solve one after the other.
func TestTrialsAreSharedByTrainingsAtOnce(t *testing.T) {
	x, y, images := repeatedTrials(2, 150, 40, 5)
	want, err := NewTrials(x, images).fit(t.Context(), y, RidgeOptions{LeaveOut: true})
	if err != nil {
		t.Fatal(err)
	}
	shared := NewTrials(x, images)
	results := make(chan *Ridge)
	for range 3 {
		go func() {
			r, err := shared.fit(t.Context(), y, RidgeOptions{LeaveOut: true})
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	for range 3 {
		if r := <-results; r != nil {
			embedtest.Near(t, "weights", r.Weights.Data, float64s(want.Weights.Data), 1e-6)
		}
	}
}

// Three ridges from the same trials, as a decoder, its caption model and its low-level model
// are: a third of the demo's sizes.
func BenchmarkRidgesOfTheSameTrials(b *testing.B) {
	const trials, voxels, rank = 5000, 2000, 170
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := matrix.New(trials, voxels), matrix.New(trials, rank)
	for _, m := range []blas32.General{x, y} {
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
	}
	images := make([]int, trials)
	for i := range images {
		images[i] = i / 3
	}
	for _, together := range []bool{false, true} {
		b.Run(fmt.Sprintf("shared=%v", together), func(b *testing.B) {
			for b.Loop() {
				shared := NewTrials(x, images)
				for range 3 {
					if !together {
						shared = NewTrials(x, images)
					}
					if _, err := shared.fit(b.Context(), y, RidgeOptions{LeaveOut: true}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
