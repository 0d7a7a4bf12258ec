package eval

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Reliability is how well a decoder knows when the first image it found is the right
// one. Its confidence is the margin between the first image and the second.
type Reliability struct {
	Images int     `json:"images"`
	Risk   float64 `json:"risk"` // share of wrong first images where all are answered
	// AURC is the area under the curve of risk over coverage: the mean risk of the k
	// most confident answers over all k (Geifman & El-Yaniv 2017, arXiv 1705.08500). Best
	// is the area where every right answer is more confident than every wrong one
	// (Geifman et al. 2019, arXiv 1805.08206); without any order it is Risk.
	AURC float64 `json:"aurc"`
	Best float64 `json:"aurc_best"`
	// Curve is the risk at 20 coverages, the last 1.
	Curve []Coverage `json:"curve"`
	// Calibration is nil where there are too few images for it.
	Calibration *Calibration `json:"calibration,omitempty"`
}

// Coverage is a point of the curve of risk over coverage.
type Coverage struct {
	Share float64 `json:"coverage"` // of the answers that are given, the most confident
	Risk  float64 `json:"risk"`     // share of wrong ones among them
}

// Calibration says how well a probability that the first image is right keeps its
// word. Of a Reliability it is a logistic function of the margin (Platt 1999): each
// image's is fitted on nine tenths of the other images, so that no image tells its own.
type Calibration struct {
	Brier float64 `json:"brier"` // mean squared error of the probability; lower is better
	// Base is the Brier score of one probability for all, the share of hits.
	Base float64 `json:"brier_base"`
	// Error is the expected calibration error over Bins: the mean difference between
	// stated probability and share of hits.
	Error float64 `json:"calibration_error"`
	Bins  []Bin   `json:"bins"`
}

// Bin is a tenth of the images by their stated probability.
type Bin struct {
	Images    int     `json:"images"`
	Predicted float64 `json:"predicted"` // mean probability that was stated
	Found     Share   `json:"found"`     // share of hits
}

const (
	calibrationParts = 10
	leastCalibrated  = 5 * calibrationParts // images
	curvePoints      = 20
)

// Reliability computes how well margins order and tell hits. The seed divides the
// images for the calibration.
func (o Outcomes) Reliability(seed uint64) (Reliability, error) {
	n := len(o.Margin)
	if n == 0 {
		return Reliability{}, fmt.Errorf("reliability: wanted 1 image at least, found none")
	}
	hits := o.Hits()
	risks := riskCurve(o.Margin, hits)
	r := Reliability{Images: n, Risk: risks[n-1], AURC: stat.Mean(risks, nil), Best: bestAURC(hits)}
	for k := 1; k <= curvePoints; k++ {
		if answers := n * k / curvePoints; answers > 0 {
			r.Curve = append(r.Curve, Coverage{Share: float64(answers) / float64(n), Risk: risks[answers-1]})
		}
	}
	if n >= leastCalibrated {
		c := calibrate(o.Margin, hits, seed)
		r.Calibration = &c
	}
	return r, nil
}

// RiskAt returns the risk of the curve at the largest coverage that is not above the
// given one, or at the smallest that there is.
func (r Reliability) RiskAt(coverage float64) float64 {
	risk := r.Curve[0].Risk
	for _, c := range r.Curve {
		if c.Share <= coverage+1e-9 {
			risk = c.Risk
		}
	}
	return risk
}

// riskCurve returns, for every k, the share of wrong ones among the k answers of the
// largest margin. Answers of one margin are wrong in equal parts.
func riskCurve(margin []float64, hits []bool) []float64 {
	order := ascending(margin)
	slices.Reverse(order)
	risks := make([]float64, 0, len(order))
	var wrong float64
	for from := 0; from < len(order); {
		to, errors := from, 0.
		for ; to < len(order) && margin[order[to]] == margin[order[from]]; to++ {
			if !hits[order[to]] {
				errors++
			}
		}
		for k := from; k < to; k++ {
			wrong += errors / float64(to-from)
			risks = append(risks, wrong/float64(k+1))
		}
		from = to
	}
	return risks
}

// bestAURC returns the area where all hits come before all errors.
func bestAURC(hits []bool) (area float64) {
	wrong := 0
	for _, hit := range hits {
		if !hit {
			wrong++
		}
	}
	n := len(hits)
	for k := n - wrong + 1; k <= n; k++ {
		area += float64(k-(n-wrong)) / float64(k) / float64(n)
	}
	return area
}

// ascending returns the order of the values from the least to the greatest.
func ascending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return order
}

// calibrate states every image's probability by the other parts' margins and scores it.
func calibrate(margin []float64, hits []bool, seed uint64) Calibration {
	n := len(margin)
	stated := make([]float64, n)
	order := rand.New(rand.NewPCG(seed, 3)).Perm(n)
	for part := range calibrationParts {
		var x []float64
		var y []bool
		for k, i := range order {
			if k%calibrationParts != part {
				x, y = append(x, margin[i]), append(y, hits[i])
			}
		}
		fit := fitPlatt(x, y)
		for k, i := range order {
			if k%calibrationParts == part {
				stated[i] = fit.probability(margin[i])
			}
		}
	}
	return NewCalibration(stated, hits)
}

// Mean returns the mean probability that was stated.
func (c Calibration) Mean() (mean float64) {
	images := 0
	for _, bin := range c.Bins {
		mean, images = mean+bin.Predicted*float64(bin.Images), images+bin.Images
	}
	return mean / float64(images)
}

// NewCalibration compares stated probabilities with hits.
func NewCalibration(stated []float64, hits []bool) (c Calibration) {
	n := len(hits)
	truth := make([]float64, n)
	for i, hit := range hits {
		if hit {
			truth[i] = 1
		}
		c.Brier += (stated[i] - truth[i]) * (stated[i] - truth[i]) / float64(n)
	}
	base := stat.Mean(truth, nil)
	c.Base = base * (1 - base)
	order := ascending(stated)
	for part := range calibrationParts {
		members := order[part*n/calibrationParts : (part+1)*n/calibrationParts]
		if len(members) == 0 {
			continue
		}
		var predicted, found float64
		for _, i := range members {
			predicted += stated[i] / float64(len(members))
			found += truth[i] / float64(len(members))
		}
		c.Error += math.Abs(predicted-found) * float64(len(members)) / float64(n)
		c.Bins = append(c.Bins, Bin{Images: len(members), Predicted: predicted, Found: Wilson(found, len(members))})
	}
	return c
}

// platt is a logistic function of the margin in units of its deviation.
type platt struct{ scale, slope, offset float64 }

func (p platt) probability(margin float64) float64 {
	return 1 / (1 + math.Exp(-(p.slope*margin/p.scale + p.offset)))
}

// fitPlatt fits by Newton's method, with Platt's targets (hits+1)/(hits+2) and
// 1/(misses+2), which keep the fit finite where all or none are hits.
func fitPlatt(margin []float64, hits []bool) platt {
	p := platt{scale: stat.PopStdDev(margin, nil)}
	if p.scale == 0 {
		p.scale = 1
	}
	var right float64
	for _, hit := range hits {
		if hit {
			right++
		}
	}
	yes, no := (right+1)/(right+2), 1/(float64(len(hits))-right+2)
	const ridge = 1e-6 // keeps equal margins solvable
	for range 50 {
		g0, g1, h00, h01, h11 := 0., ridge*p.slope, ridge, 0., ridge
		for i, m := range margin {
			want := no
			if hits[i] {
				want = yes
			}
			x, q := m/p.scale, p.probability(m)
			w := q * (1 - q)
			g0, g1 = g0+q-want, g1+(q-want)*x
			h00, h01, h11 = h00+w, h01+w*x, h11+w*x*x
		}
		det := h00*h11 - h01*h01
		d0, d1 := (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		// A step is bounded, as far from the optimum the curvature vanishes.
		shrink := min(1, 4/math.Max(math.Hypot(d0, d1), 1e-12))
		p.offset, p.slope = p.offset-shrink*d0, p.slope-shrink*d1
		if math.Hypot(d0, d1) < 1e-10 {
			break
		}
	}
	return p
}
