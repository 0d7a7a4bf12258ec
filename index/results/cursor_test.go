package results

import (
	"encoding/base64"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/index"
)

func drawGroupValue(t *rapid.T) any {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int64().Draw(t, "whole")
	}
	return groupValue(rapid.Float64Range(-1e300, 1e300).Draw(t, "number"))
}

func TestACursorIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &place{
			score: rapid.Float32Range(-1e30, 1e30).Draw(rt, "score"), id: index.ID(rapid.Uint64().Draw(rt, "id")),
			rank: rapid.IntRange(0, math.MaxUint32).Draw(rt, "rank"),
		}
		grouped := rapid.Bool().Draw(rt, "grouped")
		if grouped {
			p.value = drawGroupValue(rt)
		}
		got, err := parseCursor(p.cursor([8]byte{7}), [8]byte{7}, grouped)
		if diff := cmp.Diff(p, got, cmp.AllowUnexported(place{})); err != nil || diff != "" {
			rt.Fatalf("error %v (-want +got):\n%s", err, diff)
		}
		if _, err := parseCursor(p.cursor([8]byte{7}), [8]byte{7}, !grouped); err == nil {
			rt.Fatalf("grouped %v: taken for the other kind", grouped)
		}
	})
}

// Bytes of others are refused, or are a place.
func TestAnyTextIsRefusedOrAPlace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := append([]byte{cursorVersion, 7, 0, 0, 0, 0, 0, 0, 0}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "bytes")...)
		p, err := parseCursor(base64.RawURLEncoding.EncodeToString(b), [8]byte{7}, true)
		if err != nil {
			return
		}
		if !finite(float64(p.score)) || p.value == nil {
			rt.Fatalf("%v is the place %+v", b, p)
		}
		compareValues(p.value, int64(3))
	})
}

// Values have one order, whatever their types.
func TestGroupValuesHaveAnOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := []any{drawGroupValue(rt), drawGroupValue(rt), drawGroupValue(rt), int64(1 << 60), int64(1<<60 + 1), 1.5, int64(2)}
		slices.SortFunc(values, compareValues)
		for i, a := range values {
			for _, b := range values[i:] {
				if c := compareValues(a, b); c > 0 || c != -compareValues(b, a) || c == 0 != (a == b) {
					rt.Fatalf("%#v to %#v is %d, the other way round %d", a, b, c, compareValues(b, a))
				}
			}
		}
	})
}
