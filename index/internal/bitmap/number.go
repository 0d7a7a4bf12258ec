package bitmap

import (
	"encoding/binary"
	"math"
)

// numberSize is the size of the key of a number.
const numberSize = 16

// number returns the key of an int64 or float64. Keys are equal where
// index.Equal takes the numbers for equal, and ascend as the numbers do as
// float64: 8 bytes are the float64, 8 more tell apart the int64s that round to it.
// NaN, which equals nothing and is in no range, has no key.
func number(value any) (key [numberSize]byte, ok bool) {
	var x float64
	var tail uint64
	switch v := value.(type) {
	case int64:
		x, tail = float64(v), uint64(v)^1<<63
	case float64:
		if math.IsNaN(v) {
			return key, false
		}
		if x = v; v >= -1<<63 && v < 1<<63 && v == math.Trunc(v) {
			tail = uint64(int64(v)) ^ 1<<63
		}
	default:
		return key, false
	}
	binary.BigEndian.PutUint64(key[:], ordered(x))
	binary.BigEndian.PutUint64(key[8:], tail)
	return key, true
}

// ordered maps float64s to numbers that ascend with them; both zeros are the same.
func ordered(x float64) uint64 {
	if x == 0 {
		x = 0 // and not -0
	}
	bits := math.Float64bits(x)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}
