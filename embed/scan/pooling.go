package scan

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// priorImages is how many images the prior of the Gaussian decoder is worth: with n
// images, what a component's own scores say has the weight n/(n + priorImages). It
// was chosen on training images of one subject, see NOTES.md.
const priorImages = 250

// trendOffset is added to a component's number, from 0, before its logarithm is
// taken, so that the first few components do not decide the trend alone.
const trendOffset = 3

// Bounds of the correlation that the trend expects of a component.
const leastCorrelation, mostCorrelation = .02, 1

// pool draws what each component's own scores say towards what the components say
// together, as empirical Bayes does (Efron & Morris 1975, J Am Stat Assoc 70). In
// units of standard deviations a component has one parameter, the correlation ρ of a
// trial's score with the true one: its slope is ρ and its error's variance 1 − ρ².
// From few images each ρ is uncertain, and a straight line in the logarithm of the
// component's number is not. ρ² becomes the weighted mean of both. The share of the
// error that averages out is drawn towards its mean. Correlations of errors stay.
//
// With full weight on a trend that is level, all components count alike, as they do
// in the preset whitened. zz, zp and pp are the covariances of scoreMoments.
func (g *gaussian) pool(zz, zp, pp *mat.Dense, m *scoreMoments) {
	r := len(g.bias)
	weight := priorImages / (priorImages + m.images)
	rho, deviation := make([]float64, r), make([]float64, r) // deviation of p over deviation of z
	for k := range r {
		variance := pp.At(k, k) + (1-m.inverse/m.images)*g.trial.At(k, k) // of the prediction from a trial
		if variance > 0 && zz.At(k, k) > 0 {
			deviation[k] = math.Sqrt(variance / zz.At(k, k))
			rho[k] = min(ownSlope(zz, zp, k)/deviation[k], mostCorrelation)
		}
	}
	errors, trials := make([]float64, r), make([]float64, r) // factors of standard deviations
	var share float64
	for k, expected := range trend(rho) {
		pooled := math.Sqrt((1-weight)*rho[k]*rho[k] + weight*expected*expected)
		g.slope.Set(k, k, g.slope.At(k, k)+(pooled-rho[k])*deviation[k])
		errors[k] = math.Sqrt((1 - pooled*pooled) / max(1-rho[k]*rho[k], leastVariance))
		if t := g.total.At(k, k); t > 0 {
			trials[k] = g.trial.At(k, k) / t
		}
		share += trials[k] / float64(r)
	}
	for k, own := range trials {
		if own > 0 {
			trials[k] = errors[k] * math.Sqrt(((1-weight)*own+weight*share)/own)
		}
	}
	scaleBoth(g.total, errors)
	scaleBoth(g.trial, trials)
}

// ownSlope returns the slope of the regression of a component's predictions on its own
// scores, 0 where it is negative or the scores are all the same.
func ownSlope(zz, zp *mat.Dense, k int) float64 {
	if !(zz.At(k, k) > 0) {
		return 0
	}
	return max(0, zp.At(k, k)/zz.At(k, k))
}

// trend returns the straight line, in the logarithm of the component's number, that is
// nearest to the correlations.
func trend(correlations []float64) []float64 {
	x := make([]float64, len(correlations))
	for k := range x {
		x[k] = math.Log(float64(k + trendOffset))
	}
	start, slope := stat.Mean(correlations, nil), 0.0
	if len(x) > 1 {
		start, slope = stat.LinearRegression(x, correlations, nil, false)
	}
	out := make([]float64, len(x))
	for k := range out {
		out[k] = min(max(start+slope*x[k], leastCorrelation), mostCorrelation)
	}
	return out
}

// scaleBoth multiplies the rows and the columns of a square matrix by factors.
func scaleBoth(m *mat.Dense, factors []float64) {
	m.Apply(func(i, j int, x float64) float64 { return factors[i] * x * factors[j] }, m)
}
