package twostage

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/index"
)

// someScored returns items with scores. Many of the scores are equal.
func someScored(n int) []scored {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, math.SmallestNonzeroFloat32}
	list := make([]scored, n)
	for i := range list {
		list[i] = scored{id: index.ID(r.Uint64()), score: float32(r.NormFloat64() * 100)}
		if r.IntN(10) == 0 {
			list[i].score = special[r.IntN(len(special))]
		}
	}
	return list
}

func TestBestFirst(t *testing.T) {
	for _, n := range []int{0, 1, 2, few, few + 1, 5360} {
		got := someScored(n)
		want := slices.Clone(got)
		slices.SortFunc(want, func(a, b scored) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
		})
		hits := bestFirst(got)
		for i, h := range hits {
			got[i] = scored{h.ID, h.Score}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d items are in another order", n)
		}
	}
}

func BenchmarkBestFirst(b *testing.B) {
	all := someScored(5360)
	for b.Loop() {
		bestFirst(all)
	}
}
