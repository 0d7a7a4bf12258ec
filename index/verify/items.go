package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"engram/index"
	"engram/index/internal/disk"
)

// every is after how many items progress is reported.
const every = 1024

// items looks at all items, one by one, and keeps a sample of them.
func (a *audit) items(ctx context.Context) error {
	var ids, vectors, payloads fault
	digest := NewDigest()
	n, last := 0, index.ID(0)
	for item, err := range a.store.All(ctx) {
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
		problem, unkept := a.vectorProblem(item.Vector), item.Payload.Check()
		switch {
		case problem != "":
			vectors.add("item %d %s", item.ID, problem)
		case unkept != nil:
			payloads.add("item %d: %v", item.ID, unkept)
		default:
			a.keep(item)
		}
		digest.Add(item)
		last = item.ID
		if n++; n%every == 0 {
			a.progress(every)
		}
	}
	a.progress(n % every)
	a.report.Items, a.report.Digest = n, digest.String()
	a.check("ids", ids, "%d, each once, ascending", n)
	var count fault
	if n != a.info.Count {
		count.add("the index counts %d items and yields %d", a.info.Count, n)
	}
	a.check("count", count, "%d items", n)
	a.check("vectors", vectors, "%d elements each, finite, of length 1", a.info.Dim)
	a.check("payloads", payloads, "of types that an index keeps")
	return nil
}

// vectorProblem says what is wrong with a stored vector, "" where nothing is.
func (a *audit) vectorProblem(v []float32) string {
	if len(v) != a.info.Dim {
		return fmt.Sprintf("has %d elements, the index %d", len(v), a.info.Dim)
	}
	length := math.Sqrt(dot(v, v))
	if !(math.Abs(length-1) <= Tolerance) { // also where it is NaN
		return fmt.Sprintf("has length %v", length)
	}
	return ""
}

// keep offers an item to the sample. Each of the items that were offered is in
// it with the same probability (Vitter's algorithm R, 1985).
func (a *audit) keep(item index.Item) {
	a.offered++
	if len(a.sample) < a.Samples {
		a.sample = append(a.sample, item)
		return
	}
	if i := a.rng.IntN(a.offered); i < a.Samples {
		a.sample[i] = item
	}
}

// rows gets the sampled items by their ids.
func (a *audit) rows(ctx context.Context) error {
	ids := make([]index.ID, len(a.sample))
	for i, item := range a.sample {
		ids[i] = item.ID
	}
	items, err := a.store.Get(ctx, ids)
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
	for _, want := range a.sample {
		if item, there := got[want.ID]; !there {
			wrong.add("item %d is not found by its id", want.ID)
		} else if !same(item, want) {
			wrong.add("item %d, got by its id, has another vector or payload", want.ID)
		}
	}
	a.check("rows", wrong, "%d sampled items, got by id, have the vectors and payloads of their rows", len(a.sample))
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
	return samePayload(a.Payload, b.Payload)
}

// originals makes sampled items again.
func (a *audit) originals(ctx context.Context) error {
	if a.Originals == nil {
		a.report.add("originals", Skipped, "%s", cmp.Or(a.Unknown, "it is not known where they are"))
		return nil
	}
	made, err := a.Originals(ctx, a.sample)
	if err != nil {
		return err
	}
	var wrong fault
	gone, compared, least := 0, 0, 1.
	for i, original := range made {
		item := a.sample[i]
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
		} else if original.Payload != nil && !samePayload(item.Payload, original.Payload) {
			wrong.add("item %d has another payload than its original", item.ID)
		}
		if least = min(least, cosine); original.Payload != nil {
			compared++
		}
	}
	if gone == len(made) {
		a.report.add("originals", Skipped, "none of %d sampled ones is there as it was", gone)
		return nil
	}
	payloads := ""
	if compared > 0 {
		payloads = fmt.Sprintf(", %d the same payload", compared)
	}
	a.check("originals", wrong, "%d sampled ones, made again, have cosines of %.6f or more with the vectors%s; %d gone or changed", len(made)-gone, least, payloads, gone)
	return nil
}

func samePayload(a, b index.Payload) bool {
	return string(disk.AppendPayload(nil, a)) == string(disk.AppendPayload(nil, b))
}

// dot returns the inner product of two vectors of one length.
func dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
