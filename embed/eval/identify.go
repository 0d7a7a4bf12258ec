package eval

import (
	"fmt"
	"math"

	"engram/embed"

	"gonum.org/v1/gonum/mat"
)

// Identification is how well images and predictions find each other.
type Identification struct {
	Predictions int     // n, and as many images to choose among
	TwoWay      float64 // chance .5
	ImageTop1   float64 // a prediction asks for its image; chance as below
	ImageTop5   float64 // chance five times that
	BrainTop1   float64 // an image asks for its prediction
	Chance      float64 // of top 1
}

// Identify computes all figures of a similarity, [n, n], images by predictions.
func Identify(sim mat.Matrix) (Identification, error) {
	twoWay, err := TwoWay(sim)
	if err != nil {
		return Identification{}, err
	}
	image, err := Ranks(sim)
	if err != nil {
		return Identification{}, err
	}
	brain, err := Ranks(sim.T())
	if err != nil {
		return Identification{}, err
	}
	return Identification{
		Predictions: len(image), TwoWay: twoWay,
		ImageTop1: TopK(image, 1), ImageTop5: TopK(image, 5), BrainTop1: TopK(brain, 1),
		Chance: 1 / float64(len(image)),
	}, nil
}

// IdentifyTrials computes the figures of predictions that may be several for one
// image. sim is [images, predictions], m ≥ 2 images, each once; seen holds for each
// prediction the row of the image that was seen. A prediction is compared with the
// other images only, so that repeats of its own do not stand in its way; an image
// finds its scan where the nearest prediction is any of its own. With one prediction
// for each image, in the same order, this is Identify.
func IdentifyTrials(sim mat.Matrix, seen []int) (Identification, error) {
	images, predictions := sim.Dims()
	if len(seen) != predictions || images < 2 {
		return Identification{}, fmt.Errorf("similarity: wanted the image of each of %d predictions among 2 images or more, found %d and %d", predictions, len(seen), images)
	}
	found := Identification{Predictions: predictions, Chance: 1 / float64(images)}
	image := make([]float64, predictions)
	var below int
	for j, own := range seen {
		var above, tied int
		for i := range images {
			s, right := sim.At(i, j), sim.At(own, j)
			if math.IsNaN(s) {
				return found, fmt.Errorf("similarity: image %d, prediction %d is %v: %w", i, j, s, embed.ErrNotFinite)
			}
			switch {
			case i == own:
			case s > right:
				above++
			case s == right:
				tied++
			default:
				below++
			}
		}
		image[j] = rank(above, tied)
	}
	found.TwoWay = float64(below) / float64(predictions) / float64(images-1)
	found.ImageTop1, found.ImageTop5, found.BrainTop1 = TopK(image, 1), TopK(image, 5), TopK(brainRanks(sim, seen), 1)
	return found, nil
}

// brainRanks returns, for each image that was seen, the rank of its nearest own
// prediction among the predictions of other images.
func brainRanks(sim mat.Matrix, seen []int) (ranks []float64) {
	images, _ := sim.Dims()
	for i := range images {
		best := math.Inf(-1)
		for j, own := range seen {
			if own == i {
				best = max(best, sim.At(i, j))
			}
		}
		if math.IsInf(best, -1) {
			continue
		}
		var above, tied int
		for j, own := range seen {
			switch s := sim.At(i, j); {
			case own == i:
			case s > best:
				above++
			case s == best:
				tied++
			}
		}
		ranks = append(ranks, rank(above, tied))
	}
	return ranks
}

// TwoWay returns two-way identification: how often the right image is more
// similar to its prediction than another image is, over all pairs; chance is
// 0.5. For each prediction j it counts the images i with sim[i,j] < sim[j,j],
// divides by n−1, and takes the mean over j (Ozcelik & VanRullen 2023, Sci Rep
// 13; MindEye, Scotti et al. 2023, Reconstruction_Metrics.py, with Pearson). As
// there, a tie does not count. sim is [n, n], n ≥ 2, images by predictions.
func TwoWay(sim mat.Matrix) (float64, error) {
	if err := checkSquare(sim); err != nil {
		return 0, err
	}
	n, _ := sim.Dims()
	if n < 2 {
		return 0, fmt.Errorf("two-way identification needs 2 images at least, found %d", n)
	}
	var below int
	for j := range n {
		for i := range n {
			if sim.At(i, j) < sim.At(j, j) {
				below++
			}
		}
	}
	return float64(below) / float64(n) / float64(n-1), nil
}

// Ranks returns, for each prediction, the rank of the right image among all
// images, from 1. Where others are exactly as similar as the right one, it gets
// the mean of the ranks that they share, which is its expected rank if ties
// are broken at random. sim is [n, n], images by predictions.
//
// Ranks(sim) is image retrieval (the literature's forward direction); the ranks
// of brain retrieval, in which an image asks for its scan, are Ranks(sim.T()).
func Ranks(sim mat.Matrix) ([]float64, error) {
	if err := checkSquare(sim); err != nil {
		return nil, err
	}
	n, _ := sim.Dims()
	ranks := make([]float64, n)
	for j := range n {
		right := sim.At(j, j)
		var above, tied int
		for i := range n {
			switch s := sim.At(i, j); {
			case i == j:
			case s > right:
				above++
			case s == right:
				tied++
			}
		}
		ranks[j] = rank(above, tied)
	}
	return ranks, nil
}

// rank returns the expected rank below so many nearer and among so many tied.
func rank(above, tied int) float64 { return 1 + float64(above) + float64(tied)/2 }

// TopK returns the share of ranks that are k or better, 0 of none.
func TopK(ranks []float64, k int) float64 {
	var hits int
	for _, r := range ranks {
		if r <= float64(k) {
			hits++
		}
	}
	return float64(hits) / float64(max(len(ranks), 1))
}

func checkSquare(sim mat.Matrix) error {
	n, m := sim.Dims()
	if n != m || n < 1 {
		return fmt.Errorf("similarity: wanted one prediction for each image, found %d images and %d predictions", n, m)
	}
	for i := range n {
		for j := range n {
			if s := sim.At(i, j); math.IsNaN(s) {
				return fmt.Errorf("similarity: image %d, prediction %d is %v: %w", i, j, s, embed.ErrNotFinite)
			}
		}
	}
	return nil
}

// Pooled returns the figures of several parts together: of predictions their mean over
// all predictions, of brain retrieval and chance likewise. Predictions are summed up.
func Pooled(parts []Identification) (all Identification) {
	for _, p := range parts {
		all.Predictions += p.Predictions
	}
	for _, p := range parts {
		share := float64(p.Predictions) / float64(all.Predictions)
		all.TwoWay += share * p.TwoWay
		all.ImageTop1 += share * p.ImageTop1
		all.ImageTop5 += share * p.ImageTop5
		all.BrainTop1 += share * p.BrainTop1
		all.Chance += share * p.Chance
	}
	return all
}
