package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"engram/index"
)

// progressEvery is after how many items progress is reported.
const progressEvery = 1024

// items looks at all items, one by one, and keeps a sample of them.
func (v *verification) items(ctx context.Context) error {
	var ids, vectors, payloads fault
	digest := NewDigest()
	n, last := 0, index.ID(0)
	for item, err := range v.store.All(ctx) {
		if errors.Is(err, index.ErrCorrupt) {
			ids.add("after %d items: %v", n, err)
			break
		}
		if err != nil {
			return err
		}
		if n > 0 && item.ID <= last {
			ids.add("id %d comes after %d", item.ID, last)
		}
		problem, refused := v.vectorProblem(item.Vector), item.Payload.Check()
		switch {
		case problem != "":
			vectors.add("item %d %s", item.ID, problem)
		case refused != nil:
			payloads.add("item %d: %v", item.ID, refused)
		default:
			v.keep(item)
		}
		digest.Add(item)
		last = item.ID
		if n++; n%progressEvery == 0 {
			v.progress(progressEvery)
		}
	}
	v.progress(n % progressEvery)
	v.report.Items, v.report.Digest = n, digest.String()
	v.check("ids", ids, "%d, each once, ascending", n)
	var count fault
	if n != v.info.Count {
		count.add("the index counts %d items and yields %d", v.info.Count, n)
	}
	v.check("count", count, "%d items", n)
	v.check("vectors", vectors, "%d elements each, finite, of length 1", v.info.Dim)
	v.check("payloads", payloads, "of types that an index keeps")
	return nil
}

// vectorProblem says what is wrong with a stored vector, "" where nothing is.
func (v *verification) vectorProblem(vector []float32) string {
	if len(vector) != v.info.Dim {
		return fmt.Sprintf("has %d elements, the index %d", len(vector), v.info.Dim)
	}
	length := math.Sqrt(dot(vector, vector))
	if !(math.Abs(length-1) <= Tolerance) { // also where it is NaN
		return fmt.Sprintf("has length %v", length)
	}
	return ""
}

// keep offers an item to the sample, which has every offered item with the same
// probability (Vitter's algorithm R, 1985).
func (v *verification) keep(item index.Item) {
	v.offered++
	if len(v.sample) < v.Samples {
		v.sample = append(v.sample, item)
		return
	}
	if i := v.rng.IntN(v.offered); i < v.Samples {
		v.sample[i] = item
	}
}

// rows gets the sampled items by their ids.
func (v *verification) rows(ctx context.Context) error {
	ids := make([]index.ID, len(v.sample))
	for i, item := range v.sample {
		ids[i] = item.ID
	}
	items, err := v.store.Get(ctx, ids)
	var wrong fault
	if errors.Is(err, index.ErrCorrupt) {
		wrong.add("%v", err)
		items, err = nil, nil
	}
	if err != nil {
		return err
	}
	got := make(map[index.ID]index.Item, len(items))
	for _, item := range items {
		got[item.ID] = item
	}
	for _, want := range v.sample {
		if item, there := got[want.ID]; !there {
			wrong.add("item %d is not found by its id", want.ID)
		} else if !same(item, want) {
			wrong.add("item %d, got by its id, has another vector or payload", want.ID)
		}
	}
	v.check("rows", wrong, "%d sampled items, got by id, have the vectors and payloads of their rows", len(v.sample))
	return nil
}

// same reports whether two reads of an item are equal.
func same(a, b index.Item) bool {
	if len(a.Vector) != len(b.Vector) {
		return false
	}
	for i, x := range a.Vector {
		if x != b.Vector[i] {
			return false
		}
	}
	return SamePayload(a.Payload, b.Payload)
}

// originals makes sampled items again.
func (v *verification) originals(ctx context.Context) error {
	if v.Originals == nil {
		v.report.add("originals", Skipped, "%s", cmp.Or(v.Unknown, "it is not known where they are"))
		return nil
	}
	made, err := v.Originals(ctx, v.sample)
	if err != nil {
		return err
	}
	var wrong fault
	gone, compared, least := 0, 0, 1.
	for i, original := range made {
		item := v.sample[i]
		switch {
		case original.Err != nil:
			wrong.add("item %d: %v", item.ID, original.Err)
			continue
		case original.Vector == nil:
			gone++
			continue
		case len(original.Vector) != len(item.Vector):
			return fmt.Errorf("the original of item %d gives a vector of %d elements, the index has %d: %w", item.ID, len(original.Vector), len(item.Vector), index.ErrDimension)
		}
		cosine := dot(original.Vector, item.Vector) / math.Sqrt(dot(original.Vector, original.Vector)*dot(item.Vector, item.Vector))
		if !(cosine >= MinCosine) { // also where it is NaN
			wrong.add("item %d has a vector of cosine %.4f with that of its original", item.ID, cosine)
		} else if original.Payload != nil && !SamePayload(item.Payload, original.Payload) {
			wrong.add("item %d has another payload than its original", item.ID)
		}
		if least = min(least, cosine); original.Payload != nil {
			compared++
		}
	}
	if gone == len(made) {
		v.report.add("originals", Skipped, "none of %d sampled ones is there as it was", gone)
		return nil
	}
	payloads := ""
	if compared > 0 {
		payloads = fmt.Sprintf(", %d the same payload", compared)
	}
	v.check("originals", wrong, "%d sampled ones, made again, have cosines of %.6f or more with the vectors%s; %d gone or changed", len(made)-gone, least, payloads, gone)
	return nil
}

// dot returns the inner product of two vectors of one length.
func dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
