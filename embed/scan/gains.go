package scan

import (
	"math"
	"math/rand/v2"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// gainPowers are the exponents that firstGains chooses from: 0 leaves the ridge's
// scores as they are, 1 weights each by its full reliability. Which exponent helps
// depends on how many components there are to tell images apart by.
var gainPowers = [...]float64{0, .25, .5, .75, 1}

// maxGainTrials bounds the trials, and the images, that the power is chosen on.
const maxGainTrials = 1000

// firstGains returns the logarithms of the gains, [rank], by which the ridge's
// standardised scores are multiplied. Of the gainPowers it takes the one by which the
// cosine of left-out scores best identifies what was seen.
func (s leftOutScores) firstGains() []float32 {
	standard := matrix.Clone(s.predicted)
	scale := standardise(standard)
	full := reliability(standard, s.seen())
	some := rand.New(rand.NewPCG(s.seed, 4)).Perm(standard.Rows)
	some = some[:min(len(some), maxGainTrials)]
	scores, images := matrix.Pick(standard, some), take(s.images, some)
	var best []float32
	var least []float64
	for _, power := range gainPowers {
		gains := make([]float32, len(full))
		for k, gain := range full {
			if scale[k] > 0 {
				gains[k] = float32(power*float64(gain) - (1-power)*math.Log(float64(scale[k])))
			}
		}
		found := ranks(weigh(scores, gains), s.target, images)
		if best == nil || clearlyLess(found, least) {
			best, least = gains, found
		}
	}
	return centre(best)
}

// weighted returns the mapping that multiplies each predicted score by its gain.
func (s leftOutScores) weighted() *mapping {
	scale := standards(s.predicted)
	query, item := make([]float32, len(scale)), make([]float32, len(scale))
	for k, g := range s.firstGains() {
		query[k], item[k] = scale[k]*float32(math.Exp(float64(g))), 1
	}
	return cosine(item, query)
}

// standardise divides every component of the scores, [trials, rank], in place by
// its root mean square and returns the factors.
func standardise(scores blas32.General) []float32 {
	squares := make([]float64, scores.Cols)
	for i := range scores.Rows {
		for k, x := range matrix.Row(scores, i) {
			squares[k] += float64(x) * float64(x) / float64(scores.Rows)
		}
	}
	scale := make([]float32, scores.Cols)
	for k, square := range squares {
		if square > 0 {
			scale[k] = float32(1 / math.Sqrt(square))
		}
	}
	for i := range scores.Rows {
		row := matrix.Row(scores, i)
		for k := range row {
			row[k] *= scale[k]
		}
	}
	return scale
}

// centre scales gains, given as logarithms, to a root mean square of 1. The loss
// compares directions only, and the network beside the ridge expects scores of
// about 1.
func centre(gains []float32) []float32 {
	var square float64
	for _, g := range gains {
		square += math.Exp(2*float64(g)) / float64(len(gains))
	}
	out := make([]float32, len(gains))
	for k, g := range gains {
		out[k] = g - float32(math.Log(square)/2)
	}
	return out
}

// reliability returns, for each component, the logarithm of the weight that the
// ridge's standardised score s deserves: b/σ², where b·s is the best linear
// estimate of what was seen, y, and σ its error. An observer with independent
// Gaussian errors weighs so. scores and seen are [trials, rank].
func reliability(scores, seen blas32.General) []float32 {
	common, power := make([]float64, scores.Cols), make([]float64, scores.Cols)
	n := float64(scores.Rows)
	for i := range scores.Rows {
		y := matrix.Row(seen, i)
		for k, s := range matrix.Row(scores, i) {
			common[k] += float64(s) * float64(y[k]) / n
			power[k] += float64(y[k]) * float64(y[k]) / n
		}
	}
	const leastError, leastWeight = 1e-6, 1e-3 // of the power, and of the largest weight
	var largest float64
	for k, b := range common {
		if power[k] > 0 {
			common[k] = max(0, b) / max(power[k]-b*b, leastError*power[k])
		}
		largest = max(largest, common[k])
	}
	weights := make([]float32, scores.Cols)
	for k, weight := range common {
		if largest > 0 {
			weights[k] = float32(math.Log(max(weight, leastWeight*largest)))
		}
	}
	return weights
}

// weigh returns the scores, each multiplied by its gain.
func weigh(scores blas32.General, logGains []float32) blas32.General {
	out := matrix.Clone(scores)
	for k, g := range logGains {
		gain := float32(math.Exp(float64(g)))
		for i := range out.Rows {
			out.Data[i*out.Stride+k] *= gain
		}
	}
	return out
}

// ranks returns, for each row of predicted, [trials, rank], the rank from 1 of the
// seen image among the images of all rows, ordered by the cosine.
func ranks(predicted, targets blas32.General, images []int) []float64 {
	place := map[int]int{} // image → its row in among
	var rows []int
	for _, image := range images {
		if _, there := place[image]; !there {
			place[image] = len(rows)
			rows = append(rows, image)
		}
	}
	among := matrix.Pick(targets, rows)
	for i := range among.Rows {
		row := matrix.Row(among, i)
		v := blas32.Vector{N: len(row), Inc: 1, Data: row}
		if norm := blas32.Nrm2(v); norm > 0 {
			blas32.Scal(1/norm, v)
		}
	}
	similarity := matrix.New(predicted.Rows, among.Rows)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, predicted, among, 0, similarity)
	found := make([]float64, len(images))
	for i, image := range images {
		row := matrix.Row(similarity, i)
		right := row[place[image]]
		found[i] = 0.5 // an image that is as near as the right one counts half, the right one included
		for _, s := range row {
			switch {
			case s > right:
				found[i]++
			case s == right:
				found[i] += 0.5
			}
		}
	}
	return found
}

// clearlyLess reports whether the mean of a is below the mean of b by more than two
// standard errors of the differences.
func clearlyLess(a, b []float64) bool {
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = b[i] - a[i]
	}
	mean, deviation := stat.MeanStdDev(differences, nil)
	return mean > 2*deviation/math.Sqrt(float64(len(a)))
}
