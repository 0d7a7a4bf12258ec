package demo

import (
	"errors"
	"math"

	"engram/embed"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Cloud says how far the tokens that a prior makes lie from the true ones.
type Cloud struct {
	Seed  uint64 `json:"seed"`
	Prior string `json:"prior"`
	// Pairs is the mean distance between the tokens of a scan and the true ones, over the mean
	// distance between the true tokens of two images.
	Pairs float64 `json:"pairs"`
	// Distance between the two clouds, whichever point belongs to which: the energy
	// coefficient of inhomogeneity, 0 for equal distributions and 1 at most (Székely & Rizzo
	// 2013, Journal of Statistical Planning and Inference 143(8)).
	Distance float64 `json:"distance"`
	// True and Made are the clouds along the first two principal components of the true
	// tokens, for a plot.
	True [][2]float64 `json:"-"`
	Made [][2]float64 `json:"-"`
}

// newCloud compares the true tokens of images, two or more, with the tokens made of scans.
func newCloud(truth, made []embed.Tokens) (c Cloud, err error) {
	n := float64(len(truth))
	var within, between, inside float64
	for i := range truth {
		for j := range truth {
			between += distance(truth[i].Data, made[j].Data) / (n * n)
			within += distance(truth[i].Data, truth[j].Data) / (n * n)
			inside += distance(made[i].Data, made[j].Data) / (n * n)
		}
		c.Pairs += distance(truth[i].Data, made[i].Data) / n
	}
	if within == 0 || between == 0 {
		return c, errors.New("the true tokens of all images are the same")
	}
	c.Pairs /= within * n / (n - 1)
	c.Distance = (2*between - within - inside) / (2 * between)
	plane, mean, err := planeOf(truth)
	if err != nil {
		return c, err
	}
	c.True, c.Made = along(truth, plane, mean), along(made, plane, mean)
	return c, nil
}

// distance returns the Euclidean distance.
func distance(a, b []float32) float64 {
	var sum float64
	for k, x := range a {
		d := float64(x - b[k])
		sum += d * d
	}
	return math.Sqrt(sum)
}

// planeOf returns the first two principal components of tokens, [2, T·D], and their mean.
func planeOf(list []embed.Tokens) (plane [2][]float64, mean []float64, err error) {
	width := len(list[0].Data)
	x := mat.NewDense(len(list), width, nil)
	mean = make([]float64, width)
	for i, t := range list {
		for k, v := range t.Data {
			x.Set(i, k, float64(v))
			mean[k] += float64(v) / float64(len(list))
		}
	}
	var pc stat.PC
	if !pc.PrincipalComponents(x, nil) {
		return plane, nil, errors.New("the true tokens have no principal components")
	}
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	for k := range plane {
		plane[k] = mat.Col(nil, min(k, vectors.RawMatrix().Cols-1), &vectors)
	}
	return plane, mean, nil
}

// along returns the places of tokens in a plane.
func along(list []embed.Tokens, plane [2][]float64, mean []float64) (out [][2]float64) {
	for _, t := range list {
		var at [2]float64
		for k, v := range t.Data {
			for axis := range at {
				at[axis] += (float64(v) - mean[k]) * plane[axis][k]
			}
		}
		out = append(out, at)
	}
	return out
}
