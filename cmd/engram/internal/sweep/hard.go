package sweep

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"sort"

	"engram/embed"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// The shape of generated vectors. Half of their energy is one offset for all, as CLIP's
// vectors have it. Clusters are few and of many dimensions, so that a graph finds its way
// with effort.
const (
	clusters      = 200
	centreRank    = 256 // dimensions in which the centres of the clusters differ
	clusterRank   = 300 // dimensions of one cluster
	offsetEnergy  = .50
	centreEnergy  = .20
	clusterEnergy = .25
	noiseEnergy   = .05
	zipf          = .6 // exponent of the sizes of clusters
)

// hard is generated vectors
//
//	x = offset + centre[c] + B[c]·z + noise, in unit length
//
// with normal z and a power law over the dimensions of centres and of clusters.
// A query from outside has another offset in place of the items', as the words of
// a picture have in CLIP's space (Liang et al. 2022, "Mind the Gap").
type hard struct {
	n, d     int
	seed     uint64
	offset   [2][]float32     // of items, and of queries from outside
	centres  [][]float32      // of each cluster
	bases    []blas32.General // of each cluster, [clusterRank, d]
	share    []float64        // of the clusters up to and including each
	spectrum []float64        // standard deviations of z
}

func newHard(n, d int, seed uint64) *hard {
	rng := rand.New(rand.NewPCG(seed, 1))
	h := &hard{n: n, d: d, seed: seed, spectrum: spectrum(clusterRank, clusterEnergy)}
	for i := range h.offset {
		h.offset[i] = normal(rng, d, math.Sqrt(offsetEnergy/float64(d)))
	}
	basis := blas32.General{Rows: centreRank, Cols: d, Stride: d, Data: normal(rng, centreRank*d, 1/math.Sqrt(float64(d)))}
	law := spectrum(centreRank, centreEnergy)
	total := 0.
	for c := range clusters {
		h.centres = append(h.centres, make([]float32, d))
		add(h.centres[c], basis, drawn(rng, law))
		h.bases = append(h.bases, blas32.General{Rows: clusterRank, Cols: d, Stride: d, Data: normal(rng, clusterRank*d, 1/math.Sqrt(float64(d)))})
		total += math.Pow(float64(c+1), -zipf)
		h.share = append(h.share, total)
	}
	return h
}

func (h *hard) count() int { return h.n }
func (h *hard) dim() int   { return h.d }

// read makes the vectors lo to lo+n-1, the same ones for the same lo, on all cores.
func (h *hard) read(ctx context.Context, lo, n int) ([][]float32, error) {
	const chunk = 128
	rows := make([][]float32, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < n; from += chunk {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(h.seed, 1000+uint64(lo+from)))
			for i := from; i < min(n, from+chunk); i++ {
				rows[i] = h.draw(rng, h.offset[0])
			}
			return ctx.Err()
		})
	}
	return rows, group.Wait()
}

// queries makes queries, of the items' distribution or from outside.
func (h *hard) queries(outside bool) [][]float32 {
	rng, offset := rand.New(rand.NewPCG(h.seed, 2)), h.offset[0]
	if outside {
		rng, offset = rand.New(rand.NewPCG(h.seed, 3)), h.offset[1]
	}
	queries := make([][]float32, generatedQueries)
	for i := range queries {
		queries[i] = h.draw(rng, offset)
	}
	return queries
}

// draw makes one vector.
func (h *hard) draw(rng *rand.Rand, offset []float32) []float32 {
	c := sort.SearchFloat64s(h.share, rng.Float64()*h.share[clusters-1])
	v := normal(rng, h.d, math.Sqrt(noiseEnergy/float64(h.d)))
	for i, x := range h.centres[c] {
		v[i] += x + offset[i]
	}
	add(v, h.bases[c], drawn(rng, h.spectrum))
	_ = embed.Normalize(v) // noise is not zero
	return v
}

// add adds the rows of a basis, times z, to v.
func add(v []float32, basis blas32.General, z []float32) {
	blas32.Gemv(blas.Trans, 1, basis, blas32.Vector{N: len(z), Inc: 1, Data: z}, 1, blas32.Vector{N: len(v), Inc: 1, Data: v})
}

// spectrum returns standard deviations that fall by a power law, with energy as the
// sum of their squares.
func spectrum(rank int, energy float64) []float64 {
	law, sum := make([]float64, rank), 0.
	for i := range law {
		law[i] = 1 / math.Sqrt(float64(i+1))
		sum += law[i] * law[i]
	}
	for i := range law {
		law[i] *= math.Sqrt(energy / sum)
	}
	return law
}

// normal returns n normal numbers of a standard deviation.
func normal(rng *rand.Rand, n int, deviation float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64() * deviation)
	}
	return v
}

// drawn returns normal numbers of the given standard deviations.
func drawn(rng *rand.Rand, deviations []float64) []float32 {
	v := make([]float32, len(deviations))
	for i, d := range deviations {
		v[i] = float32(rng.NormFloat64() * d)
	}
	return v
}
