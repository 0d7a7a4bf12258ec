package scan

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	mixBeta  = 0.15 // both parameters of λ's Beta distribution
	mixShare = 0.5  // probability that a sample is mixed at all
)

// Mix is what BiMixCo draws for one batch: the voxels of sample i become
// λ_i·v_i + (1−λ_i)·v_perm(i).
type Mix struct {
	Lambda []float32 // in [0, 1]; exactly 1 for a sample that is not mixed
	Perm   []int32   // a permutation of the batch
}

// DrawMix draws the mix of a batch of n samples: one permutation for all, and
// λ ~ Beta(0.15, 0.15) for about half of the samples (MindEye, Scotti et al.
// 2023, arXiv 2305.18274, and its src/utils.py; MixCo is Kim et al. 2020,
// arXiv 2010.06300). A sample may be its own partner, and then stays as it is.
func DrawMix(rng *rand.Rand, n int) Mix {
	mix := Mix{Lambda: make([]float32, n), Perm: make([]int32, n)}
	for i, j := range rng.Perm(n) {
		mix.Perm[i] = int32(j)
	}
	beta := distuv.Beta{Alpha: mixBeta, Beta: mixBeta, Src: rng}
	for i := range mix.Lambda {
		mix.Lambda[i] = 1
		if rng.Float64() < mixShare {
			mix.Lambda[i] = float32(beta.Rand())
		}
	}
	return mix
}
