package copyindex

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/verify"
)

// DefaultTolerance is how far an element of a unit vector may be from the
// source's: an engine normalises what it is given, and rounds to float32.
const DefaultTolerance = 1e-5

// Difference says how the items of a target differ from those of a source.
type Difference struct {
	Items   int `json:"items"`   // of the source
	Missing int `json:"missing"` // of those, not in the target
	Changed int `json:"changed"` // of those, in the target with another vector or payload
	Extra   int `json:"extra"`   // items of the target that the source does not have

	// MaxDeviation is the largest difference of two elements of the vectors
	// that were found equal within the tolerance.
	MaxDeviation float64 `json:"max_deviation"`
	// Source and Target are digests of ids and payloads (see verify.Digest), of
	// all items of the source and of those of the target that it has as well.
	Source string `json:"source_digest"`
	Target string `json:"target_digest"`
}

// None reports whether the target has every item of the source as the source
// has it. It may have more.
func (d Difference) None() bool {
	return d.Missing == 0 && d.Changed == 0 && d.Source == d.Target
}

// Compare reads both stores side by side. Ids and payloads are compared
// exactly, vectors element by element within a tolerance, 0 meaning
// DefaultTolerance. Neither store may be written to meanwhile. progress, where
// it is not nil, is called with how many items of the source were read.
func Compare(ctx context.Context, from, to index.Store, tolerance float64, progress func(done int)) (Difference, error) {
	c := newComparison(tolerance)
	if err := c.run(ctx, from, to, progress); err != nil {
		return Difference{}, fmt.Errorf("transfer: %w", err)
	}
	return c.difference(), nil
}

// comparison is a Difference in the making.
type comparison struct {
	Difference
	tolerance      float64
	source, target *verify.Digest

	except map[index.ID]bool // items of the source that are passed over
	passed int               // of those
	older  int               // of those, in the target
}

func newComparison(tolerance float64) *comparison {
	if tolerance == 0 {
		tolerance = DefaultTolerance
	}
	return &comparison{tolerance: tolerance, source: verify.NewDigest(), target: verify.NewDigest()}
}

// run reads both stores.
func (c *comparison) run(ctx context.Context, from, to index.Store, progress func(done int)) error {
	for p, err := range join(ctx, from, to) {
		if err != nil {
			return err
		}
		if c.add(p); progress != nil && p.source != nil {
			progress(c.Items + c.passed)
		}
	}
	return nil
}

// add counts a pair and reports whether it is a source's item that the target
// has not, or not the same.
func (c *comparison) add(p pair) (differs bool) {
	if p.source == nil {
		c.Extra++
		return false
	}
	if c.except[p.source.ID] {
		c.passed++
		if p.target != nil {
			c.older++
		}
		return false
	}
	c.Items++
	c.source.Add(*p.source)
	if p.target == nil {
		c.Missing++
		return true
	}
	c.target.Add(*p.target)
	apart := deviation(p.source.Vector, p.target.Vector)
	if !(apart <= c.tolerance) || !samePayload(p.source.Payload, p.target.Payload) {
		c.Changed++
		return true
	}
	c.MaxDeviation = max(c.MaxDeviation, apart)
	return false
}

func (c *comparison) difference() Difference {
	c.Source, c.Target = c.source.String(), c.target.String()
	return c.Difference
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

func samePayload(a, b index.Payload) bool {
	return bytes.Equal(disk.AppendPayload(nil, a), disk.AppendPayload(nil, b))
}
