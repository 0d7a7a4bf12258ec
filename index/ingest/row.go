package ingest

import (
	"context"
	"math"

	"engram/index"
	"engram/index/source"
)

// row is a row of a shard on its way through the pipeline.
type row struct {
	source.Row
	shard   *reading
	n       int    // its number in the shard
	input   Input  // its decoded image, between decoder and encoder
	tokens  []byte // as the store keeps them
	outcome outcome
	reason  string // why it is unusable
}

// outcome is what becomes of a row.
type outcome uint8

const (
	waiting   outcome = iota // for the encoder
	skipped                  // left as an earlier run left it
	stored                   // its vector is put into the store
	rescaled                 // so is its vector, which was not of unit length
	encoded                  // so is its vector, which the encoder made
	unchanged                // the store has it as it is
	excluded                 // the filter leaves it out
	unusable                 // for the reason given
)

// stores reports whether the row's vector is put into the store.
func (o outcome) stores() bool { return o == stored || o == rescaled || o == encoded }

// spoil makes the row an unusable one.
func (r *row) spoil(err error) { r.outcome, r.reason = unusable, err.Error() }

// unitTolerance is how far the length of a vector may be from 1 where it counts
// as a unit vector. Rounding each element to half precision moves it by 2^-11 at
// most.
const unitTolerance = 1. / (1 << 10)

// assess says what becomes of the row as far as the row itself tells.
func (r *row) assess(where index.Filter) {
	switch {
	case !r.shard.wants(r.n):
		r.outcome = skipped
	case r.Err != nil:
		r.spoil(r.Err)
	case where != nil && !where.Match(r.Payload):
		r.outcome = excluded
	case r.Vector == nil:
		r.outcome = waiting
	case math.Abs(r.Norm-1) > unitTolerance:
		r.outcome = rescaled
	default:
		r.outcome = stored
	}
}

// decode decodes the row's image.
func (r *row) decode(ctx context.Context, encoder Encoder) error {
	file, err := r.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	r.input, err = encoder.Decode(ctx, file)
	r.Open = nil // lets go of an image in memory
	return err
}
