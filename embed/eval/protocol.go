package eval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// PublishedGallery is how many images a draw of the published protocol has.
const PublishedGallery = 300

// Protocol is retrieval from random galleries. Published figures are top 1 of
// 300, the mean of 30 draws (Lin et al. 2022, arXiv 2210.01769; MindEye, Scotti
// et al. 2023, arXiv 2305.18274).
type Protocol struct {
	Gallery int // images, and as many predictions, of a draw; 0 means 300
	Draws   int // 0 means 30
	K       int // a hit is among the first K; 0 means 1
	Seed    uint64
}

// Interval is a mean with its 95 % confidence interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// String writes the mean and its interval in per cent.
func (i Interval) String() string {
	return Share{i.Mean, i.Low, i.High}.String()
}

// Retrieval holds the share of hits in both directions.
type Retrieval struct {
	Image Interval `json:"image"` // a scan asks for its image
	Brain Interval `json:"brain"` // an image asks for its scan
}

// Score draws galleries without replacement from the n images and predictions
// of sim, [n, n], and returns the share of hits. The interval is the published
// one, mean ± 1.96·sd/√draws, sd with divisor draws: it says how well the mean
// over galleries of these n trials is known, not how other trials would score.
func (p Protocol) Score(ctx context.Context, sim mat.Matrix) (Retrieval, error) {
	p.Gallery, p.Draws, p.K = cmp.Or(p.Gallery, PublishedGallery), cmp.Or(p.Draws, 30), cmp.Or(p.K, 1)
	if err := checkSquare(sim); err != nil {
		return Retrieval{}, err
	}
	n, _ := sim.Dims()
	if p.Gallery < 1 || p.Gallery > n || p.Draws < 1 || p.K < 1 {
		return Retrieval{}, fmt.Errorf("retrieval: top %d of %d in %d draws cannot be scored on %d trials", p.K, p.Gallery, p.Draws, n)
	}
	rng := rand.New(rand.NewPCG(p.Seed, 0))
	draws := make([][]int, p.Draws)
	for d := range draws {
		draws[d] = rng.Perm(n)[:p.Gallery]
	}
	return scoreDraws(ctx, sim, draws, p.K)
}

// scoreDraws scores retrieval within each of the draws, which are rows and columns of
// sim.
func scoreDraws(ctx context.Context, sim mat.Matrix, draws [][]int, k int) (Retrieval, error) {
	image, brain := make([]float64, len(draws)), make([]float64, len(draws))
	for d, drawn := range draws {
		if err := ctx.Err(); err != nil {
			return Retrieval{}, err
		}
		part := Sub(sim, drawn)
		ranks, err := Ranks(part)
		if err != nil {
			return Retrieval{}, err
		}
		image[d] = TopK(ranks, k)
		if ranks, err = Ranks(part.T()); err != nil {
			return Retrieval{}, err
		}
		brain[d] = TopK(ranks, k)
	}
	return Retrieval{Image: interval(image), Brain: interval(brain)}, nil
}

// interval returns the mean of scores and how well the normal distribution says
// that it is known.
func interval(scores []float64) Interval {
	mean, sd := stat.PopMeanStdDev(scores, nil)
	half := distuv.UnitNormal.Quantile(0.975) * sd / math.Sqrt(float64(len(scores)))
	return Interval{Mean: mean, Low: mean - half, High: mean + half}
}
