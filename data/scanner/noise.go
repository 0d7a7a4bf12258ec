package scanner

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"
)

// The shares of the variance of the noise of a voxel. What is left is its own.
const (
	alike  = 0.15 // in the directions in which pictures differ
	nearby = 0.2  // in common with voxels around
	common = 0.05 // in common with all voxels
	own    = 1 - alike - nearby - common
	// slow is the share of the noise that is not a voxel's own that drifts over
	// a session; the rest is new in every trial.
	slow = 0.3
)

// The nearby noise is a sum of Gaussian bumps on a lattice. Two voxels at a
// distance d have the correlation nearby·exp(−d²/4·bump²) of it, nearly.
const (
	bump    = 2.0 // deviation in voxels
	spacing = 3   // of the lattice in voxels
)

// noise is the noise that voxels share. It has sources, and a source reaches some
// of the voxels. In units of each voxel's deviation its covariance is L·Lᵀ + own·I, with
// L as in loads.
type noise struct {
	sources int
	loads   [][]load // by voxel
}

// load is how strongly a source reaches a voxel.
type load struct {
	source int
	weight float64
}

// newNoise lays the lattice over the voxels and adds a source that reaches them
// all and one for each of the echoes: noiseless responses to pictures. A random
// sum of these has the covariance of responses to pictures, so that this noise
// cannot be told from a picture and does not go away when there are more voxels.
func newNoise(voxels []voxel, echoes blas32.General) *noise {
	n := &noise{loads: make([][]load, len(voxels))}
	number := make(map[[3]int]int)
	for i := range voxels {
		at := voxels[i].At
		eachPoint(at, 3*bump, func(point [3]int, distance float64) {
			source, known := number[point]
			if !known {
				source = len(number)
				number[point] = source
			}
			n.loads[i] = append(n.loads[i], load{source, gaussian(distance, bump)})
		})
		normalise(n.loads[i], nearby)
	}
	all := len(number)
	n.sources = all + 1 + echoes.Rows
	for i := range n.loads {
		var mean float64
		for k := range echoes.Rows {
			mean += float64(echoes.Data[k*echoes.Stride+i]) / float64(echoes.Rows)
		}
		var loads []load
		for k := range echoes.Rows {
			loads = append(loads, load{all + 1 + k, float64(echoes.Data[k*echoes.Stride+i]) - mean})
		}
		normalise(loads, alike)
		n.loads[i] = append(append(n.loads[i], load{all, math.Sqrt(common)}), loads...)
	}
	return n
}

// normalise gives the loads a variance.
func normalise(loads []load, variance float64) {
	var squares float64
	for _, l := range loads {
		squares += l.weight * l.weight
	}
	for i := range loads {
		loads[i].weight *= math.Sqrt(variance / squares)
	}
}

// eachPoint calls do with the points of the lattice within reach of a voxel.
func eachPoint(at [3]int, reach float64, do func(point [3]int, distance float64)) {
	var low, high [3]int
	for axis, x := range at {
		low[axis] = int(math.Ceil((float64(x) - reach) / spacing))
		high[axis] = int(math.Floor((float64(x) + reach) / spacing))
	}
	for x := low[0]; x <= high[0]; x++ {
		for y := low[1]; y <= high[1]; y++ {
			for z := low[2]; z <= high[2]; z++ {
				dx, dy, dz := float64(x*spacing-at[0]), float64(y*spacing-at[1]), float64(z*spacing-at[2])
				if d := math.Sqrt(dx*dx + dy*dy + dz*dz); d <= reach {
					do([3]int{x, y, z}, d)
				}
			}
		}
	}
}

// drift is how the sources change slowly over a session: a constant and the
// first waves, cosine and sine, of a period of two sessions and its fractions.
// All have the same variance, and the sum has the same at every time.
type drift [][1 + 2*waves]float64

const waves = 2

func (n *noise) newDrift(dice *rand.Rand) drift {
	d := make(drift, n.sources)
	for i := range d {
		for k := range d[i] {
			d[i][k] = dice.NormFloat64() / math.Sqrt(1+waves)
		}
	}
	return d
}

// lanes is how many trials have their noise mixed at a time.
const lanes = 8

// mixing is the noise of a few trials while it is made.
type mixing struct {
	sources [][lanes]float64 // [sources, trials]
	noise   [lanes][]float64 // [trials, voxels], in units of each voxel's deviation
}

func (n *noise) newMixing() *mixing {
	m := &mixing{sources: make([][lanes]float64, n.sources)}
	for i := range m.noise {
		m.noise[i] = make([]float64, len(n.loads))
	}
	return m
}

// draw draws the sources and each voxel's own noise of one trial. at is the trial's
// place in the session, from 0 to 1.
func (m *mixing) draw(lane int, d drift, at float64, dice *rand.Rand) {
	wave := [1 + 2*waves]float64{1}
	for k := range waves {
		wave[1+2*k], wave[2+2*k] = math.Cos(math.Pi*float64(k+1)*at), math.Sin(math.Pi*float64(k+1)*at)
	}
	for i := range m.sources {
		source := math.Sqrt(1-slow) * dice.NormFloat64()
		for k, w := range wave {
			source += math.Sqrt(slow) * w * d[i][k]
		}
		m.sources[i][lane] = source
	}
	for v := range m.noise[lane] {
		m.noise[lane][v] = math.Sqrt(own) * dice.NormFloat64()
	}
}

// mix adds the sources to the voxels that they reach. An addition waits for the one before
// it in the same sum. The sums of several trials fill that time, so that all of them take
// hardly longer than one trial's.
func (n *noise) mix(m *mixing) {
	for v, loads := range n.loads {
		var sum [lanes]float64
		for lane := range sum {
			sum[lane] = m.noise[lane][v]
		}
		a, b, c, d, e, f, g, h := sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]
		for _, l := range loads {
			from := &m.sources[l.source]
			a += l.weight * from[0]
			b += l.weight * from[1]
			c += l.weight * from[2]
			d += l.weight * from[3]
			e += l.weight * from[4]
			f += l.weight * from[5]
			g += l.weight * from[6]
			h += l.weight * from[7]
		}
		for lane, x := range [lanes]float64{a, b, c, d, e, f, g, h} {
			m.noise[lane][v] = x
		}
	}
}
