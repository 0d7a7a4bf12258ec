package index_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"engram/index"
)

// Rounding moves an element of a float16 by 2^-11 of itself at most, and one of an
// int8 by half a step, which is 1/254 of the largest element of its token.
func TestTokensComeBackRounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []index.TokenKind{index.TokensFloat16, index.TokensInt8} {
		f := index.TokenFormat{Kind: kind, Count: 5, Dim: 7}
		given := make([]float32, f.Elements())
		for i := range given {
			given[i] = float32(rng.NormFloat64()) * float32(i/7) // the first token is zero
		}
		stored, err := f.Encode([]byte("x"), given)
		if err != nil || len(stored) != 1+f.Size() {
			t.Fatalf("%s: %d bytes, error %v; want %d", f, len(stored), err, 1+f.Size())
		}
		got := make([]float32, len(given))
		if err := f.Decode(got, stored[1:]); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			most := 0.
			for _, x := range given[i/7*7:][:7] {
				most = max(most, math.Abs(float64(x)))
			}
			bound := most / 254 * 1.001
			if kind == index.TokensFloat16 {
				bound = math.Abs(float64(given[i])) / (1 << 11)
			}
			if off := math.Abs(float64(got[i] - given[i])); off > bound {
				t.Errorf("%s: element %d is %v, want %v within %v", kind, i, got[i], given[i], bound)
			}
		}
		again, err := f.Encode(nil, got)
		if err != nil || kind == index.TokensFloat16 && string(again) != string(stored[1:]) {
			t.Errorf("%s: what was decoded is stored otherwise, error %v", kind, err)
		}
	}
}

func TestTokensThatCannotBeStored(t *testing.T) {
	f := index.TokenFormat{Kind: index.TokensFloat16, Count: 1, Dim: 2}
	for _, bad := range [][]float32{{1}, {1, float32(math.NaN())}, {float32(math.Inf(1)), 1}, {65536, 1}} {
		if _, err := f.Encode(nil, bad); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%v: error %v, want ErrTokens", bad, err)
		}
	}
	if err := f.Decode(make([]float32, 2), make([]byte, 3)); !errors.Is(err, index.ErrTokens) {
		t.Errorf("3 bytes: error %v, want ErrTokens", err)
	}
	for _, bad := range []index.TokenFormat{{Kind: "float32", Count: 1, Dim: 1}, {Kind: index.TokensInt8, Dim: 1}, {Kind: index.TokensInt8, Count: 1 << 20, Dim: 1 << 20}} {
		if err := bad.Check(); !errors.Is(err, index.ErrTokens) {
			t.Errorf("%v: error %v, want ErrTokens", bad, err)
		}
	}
	if f := (index.TokenFormat{}); f.Check() != nil || f.Kept() {
		t.Errorf("%s: no tokens are refused or kept", f)
	}
}
