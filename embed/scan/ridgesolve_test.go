package scan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"engram/data/progress"
	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// repeatedTrials draws voxels that are nearly z-scored, [trials, voxels], and
// targets, [trials, targets]: each target is a voxel with noise. An image has up to
// four trials, which lie apart.
func repeatedTrials(seed uint64, trials, voxels, targets int) (x, y blas32.General, images []int) {
	rng := rand.New(rand.NewPCG(seed, 2))
	x, y = matrix.New(trials, voxels), matrix.New(trials, targets)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64() + .3)
	}
	for i := range trials {
		for j := range targets {
			y.Data[i*targets+j] = x.Data[i*voxels+j] + float32(rng.NormFloat64()) - 1
		}
		images = append(images, rng.IntN(trials/3))
	}
	return x, y, images
}

// newProblem returns a regression that shares nothing with another one.
func newProblem(ctx context.Context, voxels, targets blas32.General, opts RidgeOptions) (*problem, error) {
	s, err := newSolver(ctx, voxels, opts)
	if err != nil {
		return nil, err
	}
	return s.problem(ctx, targets)
}

func solvedFor(t *testing.T, p *problem, lambda float64) *solved {
	t.Helper()
	if err := p.sum(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := p.at(t.Context(), lambda)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A left-out prediction equals what a ridge without the image's trials predicts, in both
// forms and both precisions of the voxels' products, and in a random order.
func TestLeftOutIsTheRidgeOfTheOtherImages(t *testing.T) {
	for _, c := range []struct {
		trials, voxels int
		single         bool
		tolerance      float64
	}{
		{250, 300, false, 1e-6}, {300, 250, false, 1e-6}, {250, 300, true, 2e-5}, {300, 250, true, 2e-5}, {lambdaTrials + 50, 20, false, 1e-6},
	} {
		t.Run(fmt.Sprintf("%d trials, %d voxels, single %v", c.trials, c.voxels, c.single), func(t *testing.T) {
			const lambda = 30
			x, y, images := repeatedTrials(1, c.trials, c.voxels, 5)
			p, err := newProblem(t.Context(), x, y, RidgeOptions{Images: images})
			if err != nil {
				t.Fatal(err)
			}
			p.single = c.single
			s := solvedFor(t, p, lambda)
			all, err := s.ridge(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			for _, left := range []int{images[0], images[c.trials/2], images[c.trials-1]} {
				var others, held []int
				for i, image := range images {
					if image == left {
						held = append(held, i)
					} else {
						others = append(others, i)
					}
				}
				r, err := FitRidge(t.Context(), matrix.Pick(x, others), matrix.Pick(y, others), RidgeOptions{Lambda: lambda})
				if err != nil {
					t.Fatal(err)
				}
				want, err := r.Predict(t.Context(), matrix.Pick(x, held))
				if err != nil {
					t.Fatal(err)
				}
				embedtest.Near(t, fmt.Sprintf("image %d", left), matrix.Pick(all.LeftOut, held).Data, float64s(want.Data), c.tolerance)
			}
		})
	}
}

// Voxels that are standardised as they are read give the ridge of standardised
// voxels, and stay as they are.
func TestRidgeStandardisesVoxels(t *testing.T) {
	for _, voxels := range []int{90, 60} {
		x, y, images := repeatedTrials(7, 80, voxels, 3)
		for i := range x.Data {
			x.Data[i] = 40 + 5*x.Data[i]
		}
		z, err := FitZScore(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := FitRidge(t.Context(), x, y, RidgeOptions{Images: images, LeaveOut: true, ZScore: z})
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Apply(x); err != nil {
			t.Fatal(err)
		}
		want, err := FitRidge(t.Context(), x, y, RidgeOptions{Images: images, LeaveOut: true})
		if err != nil {
			t.Fatal(err)
		}
		embedtest.Near(t, "weights", got.Weights.Data, float64s(want.Weights.Data), 1e-5)
		embedtest.Near(t, "means", got.VoxelMean, float64s(want.VoxelMean), 1e-5)
		embedtest.Near(t, "left out", got.LeftOut.Data, float64s(want.LeftOut.Data), 1e-5)
	}
}

// The errors of a sample of images are theirs among all.
func TestErrorsOfTheLastImages(t *testing.T) {
	for _, voxels := range []int{400, 200} {
		x, y, images := repeatedTrials(3, 300, voxels, 3)
		errorsFrom := func(group int) (left []float64, from int) {
			p, err := newProblem(t.Context(), x, y, RidgeOptions{Images: images})
			if err != nil {
				t.Fatal(err)
			}
			from = p.groups[len(p.groups)*group/3][0]
			if err := solvedFor(t, p, 50).errors(t.Context(), from, func(_ int, missed []float64) {
				left = append(left, missed...)
			}); err != nil {
				t.Fatal(err)
			}
			return left, from
		}
		all, _ := errorsFrom(0)
		last, from := errorsFrom(2)
		embedtest.Near(t, "errors", last, all[from*3:], 1e-9)
	}
}

// One trial more than the whole grid is tried for makes no other λ, and the search
// finds the grid's best.
func TestLambdaOfManyTrialsIsTheGridsBest(t *testing.T) {
	x, y, images := repeatedTrials(5, gridTrials+300, 60, 4)
	for i := range y.Data { // noise that asks for another λ than the sample's
		y.Data[i] += 5 * float32(rand.New(rand.NewPCG(uint64(i), 1)).NormFloat64())
	}
	r, err := FitRidge(t.Context(), x, y, RidgeOptions{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProblem(t.Context(), x, y, RidgeOptions{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.sum(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := p.newSearch()
	if err != nil {
		t.Fatal(err)
	}
	for step := range lambdaSteps {
		if err := s.try(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	if want := s.lambda(s.best); r.Lambda != want {
		t.Errorf("λ is %g, the grid's best is %g", r.Lambda, want)
	}
	far, err := p.newSearch()
	if err != nil {
		t.Fatal(err)
	}
	if err := far.descend(t.Context(), 0); err != nil || far.best != s.best {
		t.Errorf("from the least λ the search ends at step %d with %v, want %d", far.best, err, s.best)
	}
}

// As many targets as there are trials stand for more, for every λ and in both forms: also
// where many of them say the same.
func TestNarrowedTargetsHaveTheSameErrors(t *testing.T) {
	for _, voxels := range []int{100, 50} {
		x, y, images := repeatedTrials(6, 80, voxels, 40)
		wide := matrix.New(y.Rows, 200)
		for i := range wide.Rows {
			for j := range 200 {
				wide.Data[i*200+j] = y.Data[i*40+j%40]*float32(1+j%7) + 100
			}
		}
		narrow, err := narrowed(t.Context(), wide)
		if err != nil {
			t.Fatal(err)
		}
		if narrow.Rows != 80 || narrow.Cols != 80 {
			t.Errorf("%d×%d targets, want 80×80", narrow.Rows, narrow.Cols)
		}
		errorsOf := func(targets blas32.General) (all []float64) {
			p, err := newProblem(t.Context(), x, targets, RidgeOptions{Images: images})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.sum(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, err := p.newSearch()
			if err != nil {
				t.Fatal(err)
			}
			for step := 0; step < lambdaSteps; step += 4 {
				if err := s.try(t.Context(), step); err != nil {
					t.Fatal(err)
				}
				all = append(all, s.missed[step])
			}
			return all
		}
		embedtest.Near(t, "squared errors", errorsOf(narrow), errorsOf(wide), 1e-5)
	}
}

func TestRidgeReportsItsWork(t *testing.T) {
	x, y, images := repeatedTrials(1, 600, 500, 5)
	var reports []progress.Report
	watch := progress.Func(func(r progress.Report) { reports = append(reports, r) })
	if _, err := FitRidge(t.Context(), x, y, RidgeOptions{Images: images, LeaveOut: true, Progress: watch}); err != nil {
		t.Fatal(err)
	}
	if len(reports) < 20 || len(reports) > 120 {
		t.Errorf("%d reports", len(reports))
	}
	for i, r := range reports {
		if r.Stage != SolvingStage || r.Done > r.Total || i > 0 && r.Done < reports[i-1].Done {
			t.Fatalf("report %d is %+v", i, r)
		}
	}
	first, last := reports[0], reports[len(reports)-1]
	if first.Done != 0 || last.Done != last.Total {
		t.Errorf("the first report is %+v, the last one %+v", first, last)
	}
	if planned := float64(first.Total) / float64(last.Total); planned < .7 || planned > 1.4 {
		t.Errorf("%d billion operations were planned, and %d done", first.Total, last.Total)
	}
}

// What a machine cannot hold is said before anything is computed.
func TestRidgeSaysWhatTheMachineCannotHold(t *testing.T) {
	x, y, images := repeatedTrials(1, 300, 200, 5)
	p, err := newProblem(t.Context(), x, y, RidgeOptions{Images: images})
	if err != nil {
		t.Fatal(err)
	}
	const want = "ridge: 300 trials of 200 voxels and 5 targets need about 0.0 GB of memory, 0.0 GB are available"
	if err := p.fits(1e5); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	for _, enough := range []float64{0, 1e9} {
		if err := p.fits(enough); err != nil {
			t.Errorf("with %g bytes: %v", enough, err)
		}
	}
}

// Training on an NSD subject needs less than 8 GB, and 9 GB more where the tokens are in
// memory. What is missing is said with both numbers.
func TestTrainingSaysWhatTheMachineCannotHold(t *testing.T) {
	subject := Size{Trials: 27000, Voxels: 15724, Images: 9000, Elements: 257 * 768, Stored: true}
	need := subject.held() + subject.work(PresetGaussian)
	if need < 4e9 || need > 8e9 {
		t.Errorf("a subject needs %.1f GB", need/1e9)
	}
	err := subject.fits(need, 2e9)
	if want := fmt.Sprintf("training on 27000 trials of 15724 voxels and 9000 targets of 197376 elements needs about %.1f GB of memory more, 2.0 GB are available", need/1e9); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	for _, enough := range []float64{0, need} {
		if err := subject.fits(need, enough); err != nil {
			t.Errorf("with %g bytes: %v", enough, err)
		}
	}
	subject.Stored = false
	if more := subject.held() + subject.work(PresetGaussian) - need; more != 4*9000*257*768 {
		t.Errorf("tokens in memory need %.1f GB more", more/1e9)
	}
}

// A fit of seconds ends within one when its context does, wherever it is.
func TestRidgeEndsWithItsContext(t *testing.T) {
	x, y, images := repeatedTrials(1, 1100, 1300, 5)
	for _, share := range []int64{0, 30, 90} {
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		_, err := FitRidge(ctx, x, y, RidgeOptions{Images: images, LeaveOut: true, Progress: func(r progress.Report) {
			if at.IsZero() && r.Done*100 >= r.Total*share {
				at = time.Now()
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("at %d %% it returned %v", share, err)
		}
		if late := time.Since(at); late > 2*time.Second {
			t.Errorf("at %d %% it went on for %v", share, late)
		}
		cancel()
	}
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
