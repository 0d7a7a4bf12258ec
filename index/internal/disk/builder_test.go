package disk

import (
	"strings"
	"testing"

	"engram/index"
)

// The first rows of a segment may have payloads as none of the others have.
func TestRoomForPayloadsIsNotThatOfTheFirstRowsTimesAll(t *testing.T) {
	const rows, long = 16384, 64 << 10
	b := NewBuilder(1, rows, 0)
	for i := range rows {
		p := index.Payload{"text": ""}
		if i < sample {
			p["text"] = strings.Repeat("x", long)
		}
		if err := b.Add(index.Item{ID: index.ID(i), Vector: []float32{1}, Payload: p}); err != nil {
			t.Fatal(err)
		}
	}
	payloads := b.Segment().payloads
	if has, room := len(payloads), cap(payloads); room > 4*has {
		t.Errorf("payloads of %d bytes take up %d", has, room)
	}
}
