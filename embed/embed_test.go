package embed_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"engram/embed"

	"pgregory.net/rapid"
)

func TestNormalizeGivesUnitLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float32(), 1, 300).Draw(t, "v")
		before := slices.Clone(v)
		switch err := embed.Normalize(v); {
		case errors.Is(err, embed.ErrZero):
			if slices.ContainsFunc(before, func(x float32) bool { return x != 0 }) {
				t.Fatalf("%v has a direction", before)
			}
		case err != nil:
			t.Fatal(err)
		default:
			if n := embed.Norm(v); math.Abs(n-1) > 1e-6 {
				t.Fatalf("%v got length %v", before, n)
			}
			// The angle between v and what it was is 0.
			if cos := embed.Dot(v, before) / embed.Norm(before); math.Abs(cos-1) > 1e-6 {
				t.Fatalf("%v turned by a cosine of %v", before, cos)
			}
		}
	})
}

func TestNormalizeOfTheEndsOfFloat32(t *testing.T) {
	for _, x := range []float32{math.MaxFloat32, math.SmallestNonzeroFloat32} {
		v := []float32{x, 0, -x, x}
		if err := embed.Normalize(v); err != nil {
			t.Fatal(err)
		}
		for i, sign := range []float64{1, 0, -1, 1} {
			if math.Abs(float64(v[i])-sign/math.Sqrt(3)) > 1e-7 {
				t.Errorf("multiples of %v became %v", x, v)
			}
		}
	}
}

func TestNormalizeRefusesAndChangesNothing(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		v    []float32
		is   error
		want string
	}{
		{[]float32{1, 2, nan}, embed.ErrNotFinite, "element 2 is NaN: not finite"},
		{[]float32{inf, nan}, embed.ErrNotFinite, "element 0 is -Inf: not finite"},
		{[]float32{0, 0}, embed.ErrZero, "zero vector"},
		{nil, embed.ErrZero, "zero vector"},
	} {
		v := slices.Clone(c.v)
		err := embed.Normalize(v)
		if !errors.Is(err, c.is) || err.Error() != c.want {
			t.Errorf("%v: got %v, want %q", c.v, err, c.want)
		}
		same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
		if !slices.EqualFunc(v, c.v, same) {
			t.Errorf("%v became %v", c.v, v)
		}
	}
}

func TestFirstNotFinite(t *testing.T) {
	v := []float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
	if i := embed.FirstNotFinite(v); i != -1 {
		t.Errorf("element %d of %v is finite", i, v)
	}
	if i := embed.FirstNotFinite(append(v, float32(math.Inf(1)), float32(math.NaN()))); i != 4 {
		t.Errorf("found element %d, want 4", i)
	}
}

func TestDotIsAccumulatedInDoublePrecision(t *testing.T) {
	if got := embed.Dot([]float32{1e8, 1, -1e8}, []float32{1, 1, 1}); got != 1 {
		t.Errorf("got %v, want 1", got)
	}
	if got := embed.Norm([]float32{3e30, 4e30}); math.Abs(got/5e30-1) > 1e-6 {
		t.Errorf("length is %v, want 5e30", got)
	}
}

func TestGlobalEndsWhereTokenZeroDoes(t *testing.T) {
	tokens := embed.Tokens{T: 2, D: 2, Data: []float32{1, 2, 3, 4}}
	global := tokens.Global()
	if !slices.Equal(global, []float32{1, 2}) {
		t.Errorf("token 0 is %v", global)
	}
	_ = append(global, 9) // must not write into token 1
	if tokens.Data[2] != 3 {
		t.Errorf("token 1 became %v", tokens.Data[2:])
	}
}
