package column

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantise(t *testing.T) {
	code := make([]int8, 4)
	scale, residual := Quantise(code, []float32{0.5, -0.25, 0, 0.1})
	if want := float32(0.5) / 127; scale != want {
		t.Errorf("scale %v, want %v", scale, want)
	}
	if diff := cmp.Diff([]int8{127, -64, 0, 25}, code); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
	// -0.25 lies half a step from -64, 0.1 lies 0.4 of a step from 25.
	if want := float64(scale) * math.Hypot(0.5, 0.4); math.Abs(float64(residual)-want) > 1e-6 {
		t.Errorf("residual %v, want %v", residual, want)
	}
	for _, tiny := range []float32{0, math.SmallestNonzeroFloat32} {
		if scale, residual := Quantise(code, []float32{tiny, 0, 0, 0}); scale != 0 || residual < tiny || code[0] != 0 {
			t.Errorf("Quantise of %v: scale %v, residual %v, code %v", tiny, scale, residual, code)
		}
	}
}

func TestBits(t *testing.T) {
	var none Bits
	if none.Has(0) || none.Has(1000) || none.Count() != 0 {
		t.Error("the zero value is not empty")
	}
	b := none.Clone(65)
	b.Set(0)
	b.Set(64)
	c := b.Clone(65)
	c.Set(1)
	if got := fmt.Sprint(b.Has(0), b.Has(1), b.Has(64), b.Count(), c.Count()); got != "true false true 2 3" {
		t.Errorf("got %s", got)
	}
}

// The likely error of a code holds for every row here, and is a fraction of the bound that
// holds for all.
func TestLikely(t *testing.T) {
	const dim, n = 768, 4000
	rng := rand.New(rand.NewPCG(1, 1))
	rows := New(dim, n)
	var q Query
	unit := func(v []float32) {
		sum := 0.
		for i := range v {
			v[i] = float32(rng.NormFloat64())
			sum += float64(v[i]) * float64(v[i])
		}
		for i := range v {
			v[i] /= float32(math.Sqrt(sum))
		}
	}
	query := make([]float32, dim)
	unit(query)
	q.Set(query)
	for row := range n {
		v := rows.Vector(row)
		unit(v)
		rows.Quantise(row)
		exact, coded := 0., 0.
		for i, x := range v {
			exact += float64(x) * float64(query[i])
			coded += float64(rows.Code(row)[i]) * float64(q.Code[i])
		}
		coded *= float64(q.Scale * rows.Scales[row])
		likely, always := q.Likely(rows.Scales[row]), q.Slope*rows.Residuals[row]+q.Offset
		if math.Abs(exact-coded) > float64(likely) {
			t.Errorf("row %d has the score %v, by codes %v, further apart than %v", row, exact, coded, likely)
		}
		if 5*likely > always {
			t.Errorf("row %d: likely error %v, error at most %v", row, likely, always)
		}
	}
}

func TestLoad(t *testing.T) {
	rows := New(3, 2)
	rows.Vector(1)[2] = 5
	if v, err := rows.Load(nil, 1); err != nil || v[2] != 5 || &v[0] != &rows.Vector(1)[0] {
		t.Errorf("without Read: %v, error %v, wanted the row itself", v, err)
	}
	gone := errors.New("gone")
	rows.Read = func(dst []float32, row int) error {
		dst[0] = float32(10 * row)
		if row == 0 {
			return gone
		}
		return nil
	}
	buf := make([]float32, 0, 16)
	if v, err := rows.Load(buf, 1); err != nil || len(v) != 3 || v[0] != 10 {
		t.Errorf("with Read: %v, error %v, wanted what it reads", v, err)
	}
	if _, err := rows.Load(buf, 0); !errors.Is(err, gone) {
		t.Errorf("error %v, wanted that of Read", err)
	}
}
