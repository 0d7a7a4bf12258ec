package index

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"engram/data/half"
)

// TokenKind says how the elements of tokens are stored.
type TokenKind string

// The kinds of tokens.
const (
	TokensFloat16 TokenKind = "float16" // IEEE 754 binary16, 2 bytes an element
	TokensInt8    TokenKind = "int8"    // 1 byte an element, and a float32 scale of each token
)

// maxTokens bounds the elements of the tokens of one item.
const maxTokens = 1 << 24

// TokenFormat describes the tokens that an index keeps of each item, [Count, Dim]:
// what a model says of the parts of an image. The item's vector is their summary.
// The zero TokenFormat belongs to an index that keeps none.
type TokenFormat struct {
	Kind  TokenKind
	Count int // tokens of an item
	Dim   int // elements of a token
}

// Kept reports whether there are tokens.
func (f TokenFormat) Kept() bool { return f != TokenFormat{} }

// String describes the format, as in "65 tokens of 64 elements as float16".
func (f TokenFormat) String() string {
	if !f.Kept() {
		return "no tokens"
	}
	return fmt.Sprintf("%d tokens of %d elements as %s", f.Count, f.Dim, f.Kind)
}

// Check refuses a format that no index can have (ErrTokens).
func (f TokenFormat) Check() error {
	switch {
	case !f.Kept():
		return nil
	case f.Kind != TokensFloat16 && f.Kind != TokensInt8:
		return fmt.Errorf("tokens as %q, wanted %s or %s: %w", f.Kind, TokensFloat16, TokensInt8, ErrTokens)
	case f.Count < 1 || f.Dim < 1 || f.Count > maxTokens/f.Dim:
		return fmt.Errorf("%d tokens of %d elements, wanted 1 to %d elements together: %w", f.Count, f.Dim, maxTokens, ErrTokens)
	}
	return nil
}

// Elements returns how many numbers the tokens of an item are.
func (f TokenFormat) Elements() int { return f.Count * f.Dim }

// Size returns how many bytes the tokens of an item take up.
func (f TokenFormat) Size() int {
	if f.Kind == TokensInt8 {
		return 4*f.Count + f.Elements()
	}
	return 2 * f.Elements()
}

// Encode appends tokens, [Count, Dim], to b as they are stored. All numbers are
// little endian.
//
//	float16  the elements, each rounded to the nearest binary16, ties to even
//	int8     float32 scales s = max|x|/127 of the tokens, then the elements, round(x/s)
//
// It refuses another number of elements, and elements that are not finite or that
// float16 does not reach (ErrTokens).
func (f TokenFormat) Encode(b []byte, tokens []float32) ([]byte, error) {
	if len(tokens) != f.Elements() {
		return nil, fmt.Errorf("tokens of %d elements, the index keeps %s: %w", len(tokens), f, ErrTokens)
	}
	most := float32(math.MaxFloat32)
	if f.Kind == TokensFloat16 {
		most = 65504
	}
	for i, x := range tokens {
		if !(x >= -most && x <= most) { // or NaN
			return nil, fmt.Errorf("element %d of the tokens is %v, wanted %v at most as %s: %w", i, x, most, f.Kind, ErrTokens)
		}
	}
	if f.Kind == TokensFloat16 {
		for _, x := range tokens {
			b = binary.LittleEndian.AppendUint16(b, half.Bits(x))
		}
		return b, nil
	}
	scales := make([]float32, f.Count)
	for t := range scales {
		for _, x := range tokens[t*f.Dim:][:f.Dim] {
			scales[t] = max(scales[t], x, -x)
		}
		scales[t] /= 127
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(scales[t]))
	}
	for t, scale := range scales {
		for _, x := range tokens[t*f.Dim:][:f.Dim] {
			code := 0.
			if scale > 0 {
				code = max(-127, min(127, math.RoundToEven(float64(x)/float64(scale))))
			}
			b = append(b, byte(int8(code)))
		}
	}
	return b, nil
}

// Decode writes stored tokens to dst, [Count, Dim]. It refuses other numbers of
// bytes and elements than the format's (ErrTokens).
func (f TokenFormat) Decode(dst []float32, stored []byte) error {
	if len(stored) != f.Size() || len(dst) != f.Elements() {
		return fmt.Errorf("%d bytes of tokens for %d elements, wanted %d bytes of %s: %w", len(stored), len(dst), f.Size(), f, ErrTokens)
	}
	if f.Kind == TokensFloat16 {
		half.Float32s(dst, stored)
		return nil
	}
	codes := stored[4*f.Count:]
	for t := range f.Count {
		scale := math.Float32frombits(binary.LittleEndian.Uint32(stored[4*t:]))
		for i := t * f.Dim; i < (t+1)*f.Dim; i++ {
			dst[i] = scale * float32(int8(codes[i]))
		}
	}
	return nil
}

// TokenStore is a Store that keeps tokens beside vectors where Info.Tokens says so.
// Its Upsert wants the tokens of every item then (ErrTokens).
type TokenStore interface {
	Store

	// Tokens returns the stored tokens of the items with these ids, in the order
	// asked for, nil for ids that are not there. TokenFormat.Decode reads them. A
	// store that keeps none returns ErrTokens.
	Tokens(ctx context.Context, ids []ID) ([][]byte, error)
}
