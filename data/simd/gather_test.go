package simd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestScoreGatheredHasTheSameBitsInEveryKernel(t *testing.T) {
	const rows = 37
	rng := rand.New(rand.NewPCG(5, 6))
	for n := 64; n <= 1024; n += 64 {
		codes, q := int8s(rng, rows*n), int8s(rng, n)
		scales := make([]float32, rows)
		for i := range scales {
			scales[i] = rng.Float32()
		}
		for count := range 9 {
			ids := make([]uint32, count)
			for i := range ids {
				ids[i] = rng.Uint32N(rows)
			}
			want := make([]float32, count)
			for i, id := range ids {
				dot := int32(0)
				for j, x := range q {
					dot += int32(x) * int32(codes[int(id)*n+j])
				}
				want[i] = float32(dot) * scales[id]
			}
			for _, k := range All() {
				got := make([]float32, count+1)
				got[count] = 42
				k.Prefetch(ids)
				k.ScoreGathered(got, q, codes, scales, ids)
				if !slices.Equal(got[:count], want) || got[count] != 42 {
					t.Fatalf("%s, n=%d, ids %v: got %v, want %v and nothing after it", k.Name, n, ids, got, want)
				}
			}
		}
	}
}

// int8s are all values, -128 included.
func int8s(rng *rand.Rand, n int) []int8 {
	v := make([]int8, n)
	for i := range v {
		v[i] = int8(rng.Uint32())
	}
	return v
}

func TestScoreGatheredRefusesAnIDWithoutARow(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); got != "simd: row 2 of 2" {
			t.Errorf("got %s", got)
		}
	}()
	Best().ScoreGathered(make([]float32, 1), make([]int8, 64), make([]int8, 128), make([]float32, 2), []uint32{2})
}
