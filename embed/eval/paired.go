package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Paired compares two decoders on the same images. Each image is its own control, so
// that hard images do not blur the difference as they blur two separate intervals.
type Paired struct {
	Images  int `json:"images"`
	First   int `json:"first_only"`  // images that the first decoder alone has at rank 1
	Second  int `json:"second_only"` // the second decoder alone
	Neither int `json:"neither"`
	// Top1 is the share of hits of the second decoder less the first's, with
	// Bootstrap's interval over images.
	Top1 Interval `json:"top1_difference"`
	// McNemar is the two-sided p of the exact test: where both decoders are equally
	// good, an image that only one of them has is a fair coin (McNemar 1947,
	// Psychometrika 12:153, with the binomial distribution). A hit is yes or no, so that
	// this is also the exact sign-flip permutation test.
	McNemar float64 `json:"mcnemar_p"`
	// TwoWay is the difference of two-way identification, second less first.
	TwoWay Interval `json:"two_way_difference"`
	// Permutation is the two-sided p of TwoWay, whose values are shares and no
	// coins: signs of the images' differences are flipped at random.
	Permutation float64 `json:"two_way_p"`
}

// permutations is how often SignFlip draws signs at most. The least p is 1/10,000.
const permutations = 9999

// Compared returns the paired tests of two decoders' outcomes on the same images in the
// same order.
func Compared(first, second Outcomes, seed uint64) (Paired, error) {
	if len(first.Image) != len(second.Image) || len(first.Image) == 0 {
		return Paired{}, fmt.Errorf("paired test: wanted outcomes of the same images, found %d and %d", len(first.Image), len(second.Image))
	}
	p := Paired{Images: len(first.Image)}
	one, two := first.Hits(), second.Hits()
	top, way := make([]float64, p.Images), make([]float64, p.Images)
	for i := range top {
		way[i] = second.TwoWay[i] - first.TwoWay[i]
		switch {
		case one[i] && !two[i]:
			p.First++
			top[i] = -1
		case two[i] && !one[i]:
			p.Second++
			top[i] = 1
		case !one[i]:
			p.Neither++
		}
	}
	p.Top1, p.TwoWay = Bootstrap(top, seed), Bootstrap(way, seed)
	p.McNemar, p.Permutation = McNemar(p.First, p.Second), SignFlip(way, seed)
	return p, nil
}

// McNemar returns the two-sided p of the exact test for two counts of discordant
// pairs; 1 where there are none.
func McNemar(first, second int) float64 {
	n := first + second
	if n == 0 {
		return 1
	}
	return min(1, 2*distuv.Binomial{N: float64(n), P: .5}.CDF(float64(min(first, second))))
}

// SignFlip returns the two-sided p of the mean of paired differences: the share of sign
// flips whose mean is as far from 0. Of up to 13 differences all flips are tried, and
// the test is exact (Fisher 1935, The Design of Experiments, §21). Of more, 9,999 random
// ones are, with the data themselves as the 10,000th (Phipson & Smyth 2010, Stat Appl
// Genet Mol Biol 9:39). The least p of n differences is 2/2ⁿ.
func SignFlip(differences []float64, seed uint64) float64 {
	// Sums that differ by rounding only are equal.
	found := math.Abs(sum(differences)) - 1e-12
	flipped := func(signs func() uint64) float64 {
		var total float64
		for _, d := range differences {
			if signs()&1 == 0 {
				d = -d
			}
			total += d
		}
		return math.Abs(total)
	}
	if n := len(differences); n < 63 && 1<<n <= permutations+1 {
		extreme := 0
		for flips := range uint64(1) << n {
			bits := flips
			if flipped(func() uint64 { bit := bits; bits >>= 1; return bit }) >= found {
				extreme++
			}
		}
		return float64(extreme) / float64(uint64(1)<<n)
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	extreme := 1
	for range permutations {
		if flipped(rng.Uint64) >= found {
			extreme++
		}
	}
	return float64(extreme) / (permutations + 1)
}

// PairedSubjects compares two decoders over people. The units are subjects: each has
// one difference, the mean over its images of the second decoder less the first.
type PairedSubjects struct {
	Subjects int `json:"subjects"`
	// Top1 is the difference of the shares of hits, and TwoWay of two-way
	// identification: means over subjects with OverSubjects' interval, and the two-sided
	// p of SignFlip.
	Top1    Interval `json:"top1_difference"`
	Top1P   float64  `json:"top1_p"`
	TwoWay  Interval `json:"two_way_difference"`
	TwoWayP float64  `json:"two_way_p"`
}

// ComparedSubjects returns the paired tests over subjects, two or more, from the
// difference of each in top 1 and in two-way identification.
func ComparedSubjects(top1, twoWay []float64, seed uint64) (PairedSubjects, error) {
	if len(top1) != len(twoWay) {
		return PairedSubjects{}, fmt.Errorf("paired test over subjects: wanted as many differences, found %d and %d", len(top1), len(twoWay))
	}
	p := PairedSubjects{Subjects: len(top1)}
	var err error
	if p.Top1, err = OverSubjects(top1); err != nil {
		return p, err
	}
	if p.TwoWay, err = OverSubjects(twoWay); err != nil {
		return p, err
	}
	p.Top1P, p.TwoWayP = SignFlip(top1, seed), SignFlip(twoWay, seed)
	return p, nil
}

func sum(values []float64) float64 { return stat.Mean(values, nil) * float64(len(values)) }

// Holm returns the p values of several tests adjusted so that the chance of any false
// finding stays at the level (Holm 1979, Scand J Stat 6:65), in the same order.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	var most float64
	for k, i := range order {
		most = max(most, min(1, p[i]*float64(len(p)-k)))
		out[i] = most
	}
	return out
}
