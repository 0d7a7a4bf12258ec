package copyindex

import (
	"bytes"
	"context"
	"math"

	"engram/index"
	"engram/index/verify"
)

// DefaultTolerance is how far an element of a unit vector may be from the
// source's: an engine normalises what it is given, and rounds to float32.
const DefaultTolerance = 1e-5

// comparison compares a target with a source, item by item.
type comparison struct {
	tolerance float64
	except    map[index.ID]bool // items that the target has refused, which are passed over
	tokens    *tokenCopy        // nil: tokens are not compared

	items   int // items of the source, without except
	missing int // of them, items that the target does not have
	changed int // of them, items with another vector or payload in the target
	extra   int // items of the target that the source does not have
	passed  int // items of the source in except
	older   int // of them, items that the target has, from an earlier copy

	// Digests of the ids and payloads of all items of the source, without except,
	// and of the items of the target among them.
	source, target *verify.Digest
	// Of the tokens of items that both have, as the target is to keep them and as it
	// does.
	withTokens              int
	wantTokens, foundTokens tokenDigest
	maxDeviation            float64 // largest difference of elements of vectors that are equal within the tolerance
}

func newComparison(tolerance float64, tokens *tokenCopy) *comparison {
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	return &comparison{
		tolerance: tolerance, tokens: tokens, source: verify.NewDigest(), target: verify.NewDigest(),
		wantTokens: newTokenDigest(), foundTokens: newTokenDigest(),
	}
}

// run reads both stores.
func (c *comparison) run(ctx context.Context, from, to index.Store, progress func(done int)) error {
	for p, err := range c.tokens.attach(ctx, join(ctx, from, to)) {
		if err != nil {
			return err
		}
		c.add(p)
		if progress != nil && p.source != nil {
			progress(c.items + c.passed)
		}
	}
	return nil
}

// add counts a pair and reports whether it is a source's item that the target
// has not, or not the same.
func (c *comparison) add(p pair) (differs bool) {
	if p.source == nil {
		c.extra++
		return false
	}
	if c.except[p.source.ID] {
		c.passed++
		if p.target != nil {
			c.older++
		}
		return false
	}
	c.items++
	c.source.Add(*p.source)
	if p.target == nil {
		c.missing++
		return true
	}
	c.target.Add(*p.target)
	apart := deviation(p.source.Vector, p.target.Vector)
	same := apart <= c.tolerance && verify.SamePayload(p.source.Payload, p.target.Payload)
	if t := p.tokens; t != nil {
		c.withTokens++
		c.wantTokens.add(p.source.ID, t.want)
		c.foundTokens.add(p.source.ID, t.found)
		same = same && bytes.Equal(t.want, t.found)
	}
	if !same {
		c.changed++
		return true
	}
	c.maxDeviation = max(c.maxDeviation, apart)
	return false
}

// equal reports whether the target has every item of the source as the source
// has it. It may have more.
func (c *comparison) equal() bool {
	return c.missing == 0 && c.changed == 0 && c.source.String() == c.target.String() &&
		(c.tokens == nil || c.withTokens == c.items && c.wantTokens.String() == c.foundTokens.String())
}

// deviation returns the largest difference of two elements of vectors, infinity
// for vectors of different lengths.
func deviation(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	apart := 0.
	for i, x := range a {
		apart = max(apart, math.Abs(float64(x)-float64(b[i]))) // NaN where one is
	}
	return apart
}
