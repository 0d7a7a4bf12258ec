package disk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"engram/index"
)

func TestAChooserReadsWhatTheFilterLooksUp(t *testing.T) {
	payloads := []index.Payload{
		nil, {}, {"n": int64(2), "z": 1.5}, {"a": true, "n": int64(2), "names": []string{"x", "y"}, "text": "A zebra"}, {"n": 3.0, "text": strings.Repeat("zebra ", 100)},
	}
	b := NewBuilder(1, len(payloads), 0)
	for i, p := range payloads {
		if err := b.Add(index.Item{ID: index.ID(i), Vector: []float32{1}, Payload: p}); err != nil {
			t.Fatal(err)
		}
	}
	s := b.Segment()
	for _, test := range []struct {
		filter index.Filter
		want   string
	}{
		{index.And{}, "01234"},
		{index.Equal{Key: "n", Value: int64(2)}, "23"},
		{index.Not{Filter: index.Exists{Key: "n"}}, "01"},
		{index.And{index.Text{Key: "text", Words: "zebra"}, index.Range{Key: "n", From: new(2.0)}}, "34"},
		{index.In{Key: "names", Values: []any{"y"}}, "3"},
		{index.Range{Key: "z", Above: new(1.0)}, "2"},
	} {
		choose, got := s.Chooser(test.filter), ""
		for row := range payloads {
			ok, err := choose(row)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				got += fmt.Sprint(row)
			}
		}
		if got != test.want {
			t.Errorf("%+v chooses rows %s, want %s", test.filter, got, test.want)
		}
	}
}

// Each cut of a payload before its last value misleads nobody who looks for it.
func TestAChooserReportsAPayloadThatDoesNotDecode(t *testing.T) {
	whole := AppendPayload(nil, index.Payload{"a": "text", "b": []string{"x", "y"}, "c": 1.5, "d": int64(-300)})
	filter := index.Not{Filter: index.Exists{Key: "d"}}
	for n := 1; n < len(whole); n++ {
		s := &Segment{ends: []uint64{uint64(n)}, payloads: whole[:n]}
		if ok, err := s.Chooser(filter)(0); ok || !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("cut after %d of %d bytes: chosen %v, error %v, want ErrCorrupt", n, len(whole), ok, err)
		}
	}
	bad := append([]byte(nil), whole...)
	bad[3] = 99 // the kind of the first value
	s := &Segment{ends: []uint64{uint64(len(bad))}, payloads: bad}
	if ok, err := s.Chooser(filter)(0); ok || !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("an unknown kind: chosen %v, error %v, want ErrCorrupt", ok, err)
	}
}
