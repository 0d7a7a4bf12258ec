package scanner

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// covariance returns the covariance of the noise as a dense matrix.
func covariance(s *Subject) *mat.SymDense {
	n := len(s.voxels)
	loads := mat.NewDense(n, s.noise.sources, nil)
	for v := range n {
		for _, l := range s.noise.loads[v] {
			loads.Set(v, l.source, l.weight)
		}
	}
	var dense mat.SymDense
	dense.SymOuterK(1, loads)
	for i := range n {
		dense.SetSym(i, i, dense.At(i, i)+own)
	}
	for i := range n {
		for j := i; j < n; j++ {
			dense.SetSym(i, j, dense.At(i, j)*s.voxels[i].noise*s.voxels[j].noise)
		}
	}
	return &dense
}

// mahalanobis2 returns the squared distance of two responses in the metric of
// the noise.
func mahalanobis2(t testing.TB, s *Subject, a, b []float32) float64 {
	t.Helper()
	var factor mat.Cholesky
	if !factor.Factorize(covariance(s)) {
		t.Fatal("the covariance is not positive definite")
	}
	d := mat.NewVecDense(len(a), nil)
	for i := range a {
		d.SetVec(i, float64(a[i]-b[i]))
	}
	var solved mat.VecDense
	if err := factor.SolveVecTo(&solved, d); err != nil {
		t.Fatal(err)
	}
	return mat.Dot(d, &solved)
}

func row(m blas32.General, i int) []float32 { return m.Data[i*m.Stride:][:m.Cols] }

func TestObserverKnowsTheLikelihood(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 150})
	seen := mustRespond(t, s, deadLeaves(4, 1))
	o, err := s.Observer(seen)
	if err != nil {
		t.Fatal(err)
	}
	measured := scanned(t, s, seen, []Trial{{Image: 2}}, 1)[0]
	for _, repeats := range []int{1, 3} {
		got := make([]float64, 4)
		if err := o.LogLikelihoods(got, measured, repeats); err != nil {
			t.Fatal(err)
		}
		for c := range got {
			want := -float64(repeats) * mahalanobis2(t, s, measured, row(seen, c)) / 2
			if math.Abs(got[c]/want-1) > 1e-4 {
				t.Errorf("%d repeats, candidate %d: log-likelihood %.4f, want %.4f", repeats, c, got[c], want)
			}
		}
	}
}

// Of two candidates the better one is taken with probability Φ(√r·d/2), d being
// their Mahalanobis distance and r the number of repeats.
func TestObserverIsAsGoodAsTheoryOnTwoCandidates(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 150, NCSNR: 0.03})
	seen := mustRespond(t, s, deadLeaves(2, 4))
	o, err := s.Observer(seen)
	if err != nil {
		t.Fatal(err)
	}
	d := math.Sqrt(mahalanobis2(t, s, row(seen, 0), row(seen, 1)))
	for _, repeats := range []int{1, 3} {
		want := distuv.UnitNormal.CDF(math.Sqrt(float64(repeats)) * d / 2)
		const draws = 4000
		got := identified(t, o, seen, draws, repeats)
		if sd := math.Sqrt(want * (1 - want) / draws); math.Abs(got-want) > 3*sd || want > 0.95 {
			t.Errorf("%d repeats: %.4f identified, want %.4f ± %.4f and some mistakes", repeats, got, want, 3*sd)
		}
	}
}

// identified returns the share of draws in which the observer finds the image,
// each the mean of so many repeats from different sessions.
func identified(t testing.TB, o *Observer, seen blas32.General, draws, repeats int) float64 {
	t.Helper()
	right := 0
	for draw := range draws {
		var trials []Trial
		for k := range repeats {
			trials = append(trials, Trial{Session: draw*repeats + k, Image: draw % seen.Rows})
		}
		mean := make([]float32, seen.Cols)
		for _, one := range scanned(t, o.subject, seen, trials, 3) {
			for v := range mean {
				mean[v] += one[v] / float32(repeats)
			}
		}
		found, err := o.Identify(mean)
		if err != nil {
			t.Fatal(err)
		}
		if found == draw%seen.Rows {
			right++
		}
	}
	return float64(right) / float64(draws)
}

// With candidates drawn at random, the observer must be as good as a Monte Carlo
// of the same Gaussian problem from the dense covariance.
func TestObserverIsAsGoodAsMonteCarlo(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 150, NCSNR: 0.06})
	const n, draws = 40, 2000
	seen := mustRespond(t, s, deadLeaves(n, 9))
	o, err := s.Observer(seen)
	if err != nil {
		t.Fatal(err)
	}
	var factor mat.Cholesky
	if !factor.Factorize(covariance(s)) {
		t.Fatal("the covariance is not positive definite")
	}
	var lower mat.TriDense
	factor.LTo(&lower)
	// In whitened space the noise is white and candidates are points.
	points := mat.NewDense(len(s.voxels), n, nil)
	for c := range n {
		for v, r := range row(seen, c) {
			points.Set(v, c, float64(r))
		}
	}
	var white mat.Dense
	if err := white.Solve(&lower, points); err != nil {
		t.Fatal(err)
	}
	dice := newDice("monte carlo", 1)
	right := 0
	for draw := range draws {
		measured := mat.Col(nil, draw%n, &white)
		for v := range measured {
			measured[v] += dice.NormFloat64()
		}
		best, bestDistance := 0, math.Inf(1)
		for c := range n {
			var d float64
			for v := range measured {
				d += (measured[v] - white.At(v, c)) * (measured[v] - white.At(v, c))
			}
			if d < bestDistance {
				best, bestDistance = c, d
			}
		}
		if best == draw%n {
			right++
		}
	}
	want := float64(right) / draws
	got := identified(t, o, seen, draws, 1)
	if tolerance := 3 * math.Sqrt(2*want*(1-want)/draws); math.Abs(got-want) > tolerance || want < 0.1 || want > 0.9 {
		t.Errorf("identified %.3f, want %.3f ± %.3f, neither hopeless nor perfect", got, want, tolerance)
	}
}

func TestObserverRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 150})
	if _, err := s.Observer(blas32.General{}); err == nil {
		t.Error("an observer without candidates")
	}
	o, err := s.Observer(mustRespond(t, s, deadLeaves(2, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Identify(make([]float32, 3)); err == nil {
		t.Error("a measurement of 3 voxels was identified")
	}
	if err := o.LogLikelihoods(make([]float64, 2), make([]float32, 150), 0); err == nil {
		t.Error("a measurement of no repeats was accepted")
	}
}
