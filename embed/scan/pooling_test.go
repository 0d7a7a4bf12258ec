package scan

import (
	"math"
	"math/rand/v2"
	"testing"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// independentScores returns left-out scores of images seen twice, whose components have
// the given slopes and errors of variance 1.
func independentScores(images int, slopes []float64) leftOutScores {
	rng := rand.New(rand.NewPCG(41, 42))
	s := leftOutScores{predicted: matrix.New(2*images, len(slopes)), target: matrix.New(images, len(slopes))}
	for i := range images {
		z := matrix.Row(s.target, i)
		for k := range z {
			z[k] = float32(rng.NormFloat64())
		}
		for r := range 2 {
			s.images = append(s.images, i)
			for k, a := range slopes {
				matrix.Row(s.predicted, 2*i+r)[k] = float32(a)*z[k] + float32(rng.NormFloat64())
			}
		}
	}
	return s
}

// TestPoolingIsForFewImages fits 20 images, and the same sums as if of a million. From
// few images all slopes, which are the same, are nearer to the truth than each
// component's own is; from a million each is its own.
func TestPoolingIsForFewImages(t *testing.T) {
	slopes := make([]float64, 40)
	for k := range slopes {
		slopes[k] = .5
	}
	few := independentScores(20, slopes).moments()
	zz, zp, _ := few.covariances(len(slopes))
	miss := func(m *scoreMoments) (fromTruth, fromOwn float64) {
		g, err := newGaussian(m, len(slopes), math.Inf(1))
		if err != nil {
			t.Fatal(err)
		}
		for k, truth := range slopes {
			fromTruth += math.Abs(g.slope.At(k, k) - truth)
			fromOwn += math.Abs(g.slope.At(k, k) - ownSlope(zz, zp, k))
		}
		return fromTruth, fromOwn
	}
	var own float64
	for k, truth := range slopes {
		own += math.Abs(ownSlope(zz, zp, k) - truth)
	}
	pooled, _ := miss(few)
	if pooled > .6*own {
		t.Errorf("slopes of 20 images are off by %.2f in all, each component's own by %.2f", pooled, own)
	}
	const times = 50_000
	many := *few
	many.images, many.inverse, many.freedom = times*few.images, times*few.inverse, times*few.freedom
	for _, sums := range []**mat.Dense{&many.z, &many.p, &many.zz, &many.zp, &many.pp, &many.within} {
		var scaled mat.Dense
		scaled.Scale(times, *sums)
		*sums = &scaled
	}
	if _, drawn := miss(&many); drawn > 1e-2 {
		t.Errorf("slopes of a million images are drawn from each component's own by %v in all", drawn)
	}
}

// TestTheStandardPresetStays compares presets whose ranks differ by luck, and one that
// is better throughout.
func TestTheStandardPresetStays(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	standard := candidate{preset: standardPreset}
	lucky, better := candidate{preset: PresetLinear}, candidate{preset: PresetGains}
	for range 84 {
		x := rng.NormFloat64()
		standard.ranks = append(standard.ranks, x)
		lucky.ranks = append(lucky.ranks, x+rng.NormFloat64())
		better.ranks = append(better.ranks, x-.3+.3*rng.NormFloat64())
	}
	worse := stat.Mean(lucky.ranks, nil) - stat.Mean(standard.ranks, nil)
	for i := range lucky.ranks { // now better by less than one standard error
		lucky.ranks[i] -= worse + .1
	}
	if got := chooseClosed([]candidate{lucky, standard}); got.preset != standardPreset {
		t.Errorf("%s is taken though it is better by luck alone", got.preset)
	}
	if got := chooseClosed([]candidate{lucky, standard, better}); got.preset != PresetGains {
		t.Errorf("%s is taken, not the one that is better for every image", got.preset)
	}
}

// TestErrorsOfFewImagesAreBounded has slopes that use up 18 of 20 degrees of freedom. What
// the rest says of the errors, whose variance is about 1, is divided by a tenth at least.
func TestErrorsOfFewImagesAreBounded(t *testing.T) {
	const rank = 18
	slopes := make([]float64, rank)
	for k := range slopes {
		slopes[k] = 1
	}
	g, err := newGaussian(independentScores(20, slopes).moments(), rank, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	if mean := mat.Trace(g.total) / rank; !(mean > .3 && mean < 4) {
		t.Errorf("errors have a mean variance of %v, wanted 1 or a few times that", mean)
	}
}

// TestNoNumberOfScansIsCertain has errors that average out to nothing over the two scans
// of an image. A part of each error is taken to stay all the same.
func TestNoNumberOfScansIsCertain(t *testing.T) {
	s := independentScores(50, []float64{1, 1, 1})
	for i := range s.predicted.Rows {
		for k, z := range matrix.Row(s.target, s.images[i]) {
			row := matrix.Row(s.predicted, i-i%2)
			if i%2 == 1 {
				matrix.Row(s.predicted, i)[k] = 2*z - row[k]
			}
		}
	}
	g, err := newGaussian(s.moments(), 3, math.Inf(1))
	if err != nil {
		t.Fatal(err)
	}
	m, err := g.mapping(3, 0)
	if err != nil {
		t.Fatal(err)
	}
	for k, fixed := range m.fixed {
		if !(fixed >= .99*leastFixed) {
			t.Errorf("coordinate %d: a share of %v of the error stays, wanted %v at least", k, fixed, leastFixed)
		}
	}
}
