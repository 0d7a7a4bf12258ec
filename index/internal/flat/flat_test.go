package flat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/racetest"
	"engram/data/simd"
	"engram/index"
	"engram/index/internal/column"
	"engram/index/internal/invariants"
)

// shapes of sets of vectors, from harmless to hostile for codes of one byte.
var shapes = []string{"random", "one-hot", "clustered", "equal", "spiky", "few values"}

// makeRows returns n unit vectors of a shape with codes and ids 10, 20, ….
func makeRows(rng *rand.Rand, shape string, n, dim int) *column.Rows {
	r := new(column.New(dim, n))
	centre := makeVector(rng, "random", dim, nil)
	for i := range n {
		r.IDs[i] = index.ID(10 * (i + 1))
		copy(r.Vector(i), makeVector(rng, shape, dim, centre))
		r.Quantise(i)
	}
	return r
}

func makeVector(rng *rand.Rand, shape string, dim int, centre []float32) []float32 {
	for {
		v := make([]float32, dim)
		for i := range v {
			switch shape {
			case "random":
				v[i] = float32(rng.NormFloat64())
			case "clustered":
				v[i] = centre[i] + float32(rng.NormFloat64()*1e-4)
			case "equal":
				v[i] = centre[i]
			case "spiky":
				v[i] = float32(math.Pow(rng.NormFloat64(), 7))
			case "few values":
				v[i] = float32(rng.IntN(3) - 1)
			}
		}
		if shape == "one-hot" {
			v[rng.IntN(dim)] = float32(1 - 2*rng.IntN(2))
		}
		if unit, err := index.Unit(v, dim); err == nil {
			return unit
		}
	}
}

// vectorsOnly is r without codes, which makes every scan a float32 scan.
func vectorsOnly(r *column.Rows) *column.Rows { return new(r.WithoutCodes()) }

// everyRow is the reference of all: it scores and sorts every row.
func everyRow(k *simd.Kernels, parts []column.Part, q []float32, count int) []column.Match {
	all := []column.Match{}
	for i, p := range parts {
		scores := make([]float32, 1)
		for row, id := range p.IDs {
			if chosen, _ := chooser(p)(row); chosen && !p.Dead.Has(row) {
				k.DotRows(scores, q, p.Vector(row), p.Dim)
				all = append(all, column.Match{ID: id, Score: scores[0], Part: i, Row: row})
			}
		}
	}
	slices.SortFunc(all, column.Compare)
	return all[:min(count, len(all))]
}

// chooser returns the part's filter, which may be missing, for one goroutine.
func chooser(p column.Part) column.Chooser {
	if p.Filter == nil {
		return func(int) (bool, error) { return true, nil }
	}
	return p.Filter()
}

// chooseSome returns a filter of about a fraction of the rows. Its choosers fail
// when they are asked about a row twice.
func chooseSome(seed uint64, fraction float64) func() column.Chooser {
	return func() column.Chooser {
		asked := map[int]bool{}
		return func(row int) (bool, error) {
			if asked[row] {
				return false, fmt.Errorf("row %d was asked about before", row)
			}
			asked[row] = true
			return rand.New(rand.NewPCG(seed, uint64(row))).Float64() < fraction, nil
		}
	}
}

func TestSearchEqualsTheFloat32ScanToTheBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		dim := rapid.SampledFrom([]int{1, 2, 3, 16, 31, 64, 100, 257}).Draw(t, "dim")
		shape := rapid.SampledFrom(shapes).Draw(t, "shape")
		k := rapid.SampledFrom([]int{1, 2, 10, 300, 5000}).Draw(t, "k")
		threads := rapid.IntRange(1, 3).Draw(t, "threads")
		kernels := rapid.SampledFrom(simd.All()).Draw(t, "kernels")

		coded := makeRows(rng, shape, minCoded+rng.IntN(2*chunkRows), dim)
		inMemory := vectorsOnly(makeRows(rng, shape, 1+rng.IntN(200), dim))
		for i := range inMemory.IDs {
			inMemory.IDs[i] += 5
		}
		dead := column.Bits(nil).Clone(len(coded.IDs))
		if rng.IntN(2) == 0 {
			for range len(coded.IDs) / 3 {
				dead.Set(rng.IntN(len(coded.IDs)))
			}
		}
		parts := []column.Part{{Rows: coded, Dead: dead}, {Rows: inMemory}}
		if fraction := rapid.SampledFrom([]float64{0, .003, .1, .9, 2}).Draw(t, "fraction"); fraction <= 1 {
			parts[0].Filter, parts[1].Filter = chooseSome(1, fraction), chooseSome(2, fraction)
		}
		q := makeVector(rng, rapid.SampledFrom(shapes).Draw(t, "query"), dim, coded.Vector(0))
		if rapid.Bool().Draw(t, "query is a row") {
			q = slices.Clone(coded.Vector(rng.IntN(len(coded.IDs))))
		}

		got, err := Scan{Kernels: kernels, Threads: threads, share: 1}.Search(context.Background(), []column.Match{}, parts, q, k)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(everyRow(kernels, parts, q, k), got); diff != "" {
			t.Fatalf("the scan of codes differs from sorting every row (-want +got):\n%s", diff)
		}
	})
}

// The bound of Quantise must hold for each pair, whatever the scan does with
// it; and it must be of use, or every row would be scored twice.
func TestTheBoundHoldsAndIsTight(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, shape := range shapes {
		for _, dim := range []int{1, 2, 17, 64, 768, 4099} {
			rows, worst := makeRows(rng, shape, 40, dim), 0.0
			for range 40 {
				var q column.Query
				q.Set(makeVector(rng, shape, dim, rows.Vector(0)))
				for i := range rows.IDs {
					code := rows.Code(i)
					for _, k := range simd.All() {
						dots, scores := make([]int32, 1), make([]float32, 1)
						k.DotRowsInt8(dots, q.Code, code, dim)
						k.DotRows(scores, q.Vector, rows.Vector(i), dim)
						approx := float32(dots[0]) * (q.Scale * rows.Scales[i])
						margin := q.Slope*rows.Residuals[i] + q.Offset
						if scores[0] > approx+margin || scores[0] < approx-margin {
							t.Fatalf("%s dim=%d %s: score %v, code says %v ± %v", shape, dim, k.Name, scores[0], approx, margin)
						}
						worst = max(worst, float64(margin))
					}
				}
			}
			if shape == "random" && dim == 768 && worst > 0.03 {
				t.Errorf("margin of random vectors of dimension %d: %v, wanted at most 0.03", dim, worst)
			}
		}
	}
}

func TestSearchGivesWhatThereIs(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	rows := makeRows(rng, "random", 5, 8)
	q := slices.Clone(rows.Vector(3))
	for _, k := range []int{-1, 0, 1, 5, 6, math.MaxInt} {
		got, err := Scan{}.Search(context.Background(), nil, []column.Part{{Rows: rows}}, q, k)
		if err != nil || len(got) != max(0, min(k, 5)) {
			t.Errorf("k=%d: %d matches of 5 rows, error %v", k, len(got), err)
		}
		if len(got) > 0 && got[0].ID != 40 {
			t.Errorf("k=%d: row 40 finds %d first", k, got[0].ID)
		}
	}
	if got, err := (Scan{}).Search(context.Background(), nil, nil, q, 3); len(got) != 0 || err != nil {
		t.Errorf("no rows: %v, %v", got, err)
	}
}

func TestSearchStopsWhenCancelled(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	rows := makeRows(rng, "random", 3*minCoded, 8)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, r := range []*column.Rows{rows, vectorsOnly(rows)} {
		for _, threads := range []int{1, 4} {
			_, err := Scan{Threads: threads, share: 1}.Search(ctx, nil, []column.Part{{Rows: r}}, rows.Vector(0), 3)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		}
	}
}

func TestSearchReportsAChooserThatFails(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	rows := makeRows(rng, "random", 3*minCoded, 8)
	fault := errors.New("unreadable")
	for _, r := range []*column.Rows{rows, vectorsOnly(rows)} {
		for _, threads := range []int{1, 4} {
			for _, bad := range []int{0, 1, 2000} { // the n-th row asked about
				part := column.Part{Rows: r, Filter: func() column.Chooser {
					n := 0
					return func(int) (bool, error) {
						if n++; n > bad {
							return true, fault
						}
						return false, nil
					}
				}}
				got, err := Scan{Threads: threads, share: 1}.Search(context.Background(), nil, []column.Part{part}, rows.Vector(0), 3)
				if !errors.Is(err, fault) || got != nil {
					t.Errorf("%d threads, fault %d: %v, error %v, want the chooser's", threads, bad, got, err)
				}
			}
		}
	}
}

// Of n rows in random order and a filter that chooses the fraction p of them,
// about (k/p)·(1 + ln(n·p/k)) are nearer than the k-th best chosen so far.
func TestAFilterIsAskedAboutFewRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	const n, k = 20_000, 10
	rows := makeRows(rng, "random", n, 64)
	for _, r := range []*column.Rows{rows, vectorsOnly(rows)} {
		for fraction, most := range map[float64]int{0: n, .01: 9000, .5: 400, 1: 200} {
			asked := 0
			choose := chooseSome(3, fraction)
			part := column.Part{Rows: r, Filter: func() column.Chooser {
				choose := choose()
				return func(row int) (bool, error) {
					asked++
					return choose(row)
				}
			}}
			if _, err := (Scan{}).Search(context.Background(), nil, []column.Part{part}, makeVector(rng, "random", 64, nil), k); err != nil {
				t.Fatal(err)
			}
			if asked > most || fraction == 0 && asked != n {
				t.Errorf("a filter of %v of the rows was asked about %d of %d, wanted %d at most", fraction, asked, n, most)
			}
			t.Logf("fraction %v: asked about %d rows", fraction, asked)
		}
	}
}

// The memory of a search is used again by the next one.
func TestASearchAllocatesNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("SKIPPED under the race detector: it makes sync.Pool allocate")
	}
	if invariants.Enabled {
		t.Skip("SKIPPED with the tag invariants: assertions allocate their messages")
	}
	rng := rand.New(rand.NewPCG(17, 18))
	rows := makeRows(rng, "random", 2*chunkRows, 32)
	parts, dst := []column.Part{{Rows: rows}, {Rows: vectorsOnly(makeRows(rng, "random", 10, 32))}}, make([]column.Match, 0, 10)
	for _, threads := range []int{1, 3} {
		if n := testing.AllocsPerRun(20, func() {
			if _, err := (Scan{Threads: threads, share: 1}).Search(context.Background(), dst, parts, rows.Vector(1), 10); err != nil {
				t.Fatal(err)
			}
		}); n >= 1 {
			t.Errorf("%v allocations of a search on %d goroutines", n, threads)
		}
	}
}

// Rows that reach a score are found as a search without one finds them.
func TestRowsThatReachAScore(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	parts := []column.Part{{Rows: makeRows(rng, "random", 40, 24)}, {Rows: makeRows(rng, "random", 1500, 24)}, {Rows: makeRows(rng, "random", 3, 24)}}
	for range 50 {
		q := makeRows(rng, "random", 1, 24).Vector(0)
		all, err := Scan{}.Search(t.Context(), nil, parts, q, 20)
		if err != nil {
			t.Fatal(err)
		}
		some := 1 + rng.IntN(20)
		got, err := Scan{Least: all[some-1].Score}.Search(t.Context(), nil, parts, q, 20)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[:some], got[:min(some, len(got))]); diff != "" || len(got) < some {
			t.Errorf("%d rows of a score of %v, wanted %d (-want +got):\n%s", len(got), all[some-1].Score, some, diff)
		}
	}
}
