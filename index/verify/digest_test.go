package verify_test

import (
	"testing"

	"engram/index"
	"engram/index/verify"
)

// The digest sees every difference of ids and payloads, and their order.
func TestDigest(t *testing.T) {
	digest := func(items ...index.Item) string {
		d := verify.NewDigest()
		for _, item := range items {
			d.Add(item)
		}
		return d.String()
	}
	a := index.Item{ID: 1, Payload: index.Payload{"x": int64(1), "y": "z"}}
	b := index.Item{ID: 2, Payload: nil}
	seen := map[string]int{}
	var single []index.Item
	for i, items := range [][]index.Item{
		nil, {a}, {b}, {a, b}, {b, a}, {{ID: 2, Payload: index.Payload{}}}, {{ID: 3}},
		{{ID: 1, Payload: index.Payload{"x": float64(1), "y": "z"}}},
		{{ID: 1, Payload: index.Payload{"x": int64(1), "y": "z", "n": nil}}},
		{{ID: 1, Payload: index.Payload{"x": int64(1), "y": []string{"z"}}}},
	} {
		d := digest(items...)
		if other, taken := seen[d]; taken {
			t.Errorf("sequences %d and %d have the same digest", other, i)
		}
		seen[d] = i
		if len(items) == 1 {
			single = append(single, items[0])
		}
	}
	for i, x := range single {
		for j, y := range single {
			y.ID = x.ID
			if same := digest(x) == digest(y); verify.SamePayload(x.Payload, y.Payload) != same {
				t.Errorf("payloads %d and %d: SamePayload is %v, digests say %v", i, j, !same, same)
			}
		}
	}
	withVector := a
	withVector.Vector = []float32{1}
	if digest(withVector) != digest(a) {
		t.Error("a vector changes the digest")
	}
}
