package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Outcomes are the results of single predictions, one prediction for each image, in
// the order of the images. Tests that pair two decoders and the reliability of a
// decoder need them; shares of hits are their means.
type Outcomes struct {
	Image  []float64 // rank of the right image among all images, from 1, ties shared
	Brain  []float64 // rank of the right prediction among all predictions
	TwoWay []float64 // share of the other images that are less similar than the right one
	Margin []float64 // similarity of the nearest image less the second nearest, 0 or more
	// Candidates is among how many images, and predictions, each outcome was reached.
	Candidates []int
}

// newOutcomes returns outcomes of n predictions, to be filled.
func newOutcomes(n int) Outcomes {
	return Outcomes{
		Image: make([]float64, n), Brain: make([]float64, n), TwoWay: make([]float64, n),
		Margin: make([]float64, n), Candidates: make([]int, n),
	}
}

// NewOutcomes reads the outcomes off a similarity, [n, n], n ≥ 2, images by
// predictions.
func NewOutcomes(sim mat.Matrix) (Outcomes, error) {
	image, err := Ranks(sim)
	if err != nil {
		return Outcomes{}, err
	}
	brain, err := Ranks(sim.T())
	if err != nil {
		return Outcomes{}, err
	}
	n := len(image)
	if n < 2 {
		return Outcomes{}, fmt.Errorf("retrieval: wanted 2 images at least, found %d", n)
	}
	o := newOutcomes(n)
	o.Image, o.Brain = image, brain
	for j := range n {
		o.Candidates[j] = n
		first, second := math.Inf(-1), math.Inf(-1)
		below := 0
		for i := range n {
			s := sim.At(i, j)
			if s < sim.At(j, j) {
				below++
			}
			first, second = max(first, s), max(second, min(first, s))
		}
		o.TwoWay[j], o.Margin[j] = float64(below)/float64(n-1), first-second
	}
	return o, nil
}

// Hits says of each prediction whether its image was found first, alone.
func (o Outcomes) Hits() []bool {
	hits := make([]bool, len(o.Image))
	for i, rank := range o.Image {
		hits[i] = rank <= 1
	}
	return hits
}

// Pick returns the outcomes of some predictions.
func (o Outcomes) Pick(rows []int) Outcomes {
	out := newOutcomes(len(rows))
	for i, row := range rows {
		out.Image[i], out.Brain[i], out.TwoWay[i] = o.Image[row], o.Brain[row], o.TwoWay[row]
		out.Margin[i], out.Candidates[i] = o.Margin[row], o.Candidates[row]
	}
	return out
}

// SetScore is what predictions, one for each image, reached among a set of images.
type SetScore struct {
	Predictions int      `json:"predictions"`
	Candidates  int      `json:"candidates"` // images to choose among, and predictions for brain retrieval; the most where parts differ
	TwoWay      Interval `json:"two_way"`    // chance .5; interval by Bootstrap over images
	ImageTop1   Share    `json:"image_top1"` // a scan asks for its image
	ImageTop5   Share    `json:"image_top5"`
	BrainTop1   Share    `json:"brain_top1"` // an image asks for its scan
	Chance      float64  `json:"chance"`     // of top 1
}

// Score sums the outcomes up. The seed draws the bootstrap.
func (o Outcomes) Score(seed uint64) SetScore {
	n := len(o.Image)
	s := SetScore{
		Predictions: n, TwoWay: Bootstrap(o.TwoWay, seed),
		ImageTop1: Wilson(TopK(o.Image, 1), n), ImageTop5: Wilson(TopK(o.Image, 5), n), BrainTop1: Wilson(TopK(o.Brain, 1), n),
	}
	for _, candidates := range o.Candidates {
		s.Candidates = max(s.Candidates, candidates)
		s.Chance += 1 / float64(candidates) / float64(n)
	}
	return s
}

// Sub returns the rows and columns of a similarity, [n, n], that are in rows.
func Sub(sim mat.Matrix, rows []int) *mat.Dense {
	part := mat.NewDense(len(rows), len(rows), nil)
	part.Apply(func(i, j int, _ float64) float64 { return sim.At(rows[i], rows[j]) }, part)
	return part
}

// bootstrapDraws is how often Bootstrap resamples.
const bootstrapDraws = 2000

// Bootstrap returns the mean of values, one for each image, with the percentile
// interval of 2,000 resamples of the images (Efron & Tibshirani 1993, An Introduction to
// the Bootstrap, chapter 13): how well the mean is known from so many images.
func Bootstrap(values []float64, seed uint64) Interval {
	rng := rand.New(rand.NewPCG(seed, 1))
	means := make([]float64, bootstrapDraws)
	for d := range means {
		for range values {
			means[d] += values[rng.IntN(len(values))]
		}
		means[d] /= float64(len(values))
	}
	slices.Sort(means)
	return Interval{
		Mean: stat.Mean(values, nil),
		Low:  stat.Quantile(.025, stat.LinInterp, means, nil), High: stat.Quantile(.975, stat.LinInterp, means, nil),
	}
}

// OverSubjects returns the mean over subjects, two or more, with Student's interval,
// mean ± t·sd/√n of n−1 degrees of freedom: how other subjects would score.
func OverSubjects(values []float64) (Interval, error) {
	n := float64(len(values))
	if n < 2 {
		return Interval{}, fmt.Errorf("interval over subjects: wanted 2 subjects at least, found %d", len(values))
	}
	mean, sd := stat.MeanStdDev(values, nil)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(.975) * sd / math.Sqrt(n)
	return Interval{Mean: mean, Low: mean - half, High: mean + half}, nil
}
