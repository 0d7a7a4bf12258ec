package bitmap

import (
	"encoding/binary"
	"math"

	"engram/index"
)

// AppendKey appends bytes that two filters share only where they are the same
// conditions in the same order, so that what was found for one holds for the other. It
// keeps no memory of the filter. The filter passes Check.
func AppendKey(dst []byte, f index.Filter) []byte {
	switch f := f.(type) {
	case index.And:
		return appendParts(append(dst, 'a'), f)
	case index.Or:
		return appendParts(append(dst, 'o'), f)
	case index.Not:
		return AppendKey(append(dst, 'n'), f.Filter)
	case index.Equal:
		return appendValue(appendText(append(dst, '='), f.Key), f.Value)
	case index.In:
		dst = binary.AppendUvarint(appendText(append(dst, 'i'), f.Key), uint64(len(f.Values)))
		for _, v := range f.Values {
			dst = appendValue(dst, v)
		}
		return dst
	case index.Range:
		dst = appendText(append(dst, 'r'), f.Key)
		for _, bound := range [...]*float64{f.Above, f.From, f.Below, f.To} {
			if bound == nil {
				dst = append(dst, '-')
			} else {
				dst = appendValue(dst, *bound)
			}
		}
		return dst
	case index.Exists:
		return appendText(append(dst, 'e'), f.Key)
	case index.Text:
		return appendText(appendText(append(dst, 't'), f.Key), f.Words)
	}
	return dst
}

func appendParts(dst []byte, filters []index.Filter) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(filters)))
	for _, f := range filters {
		dst = AppendKey(dst, f)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendValue appends a value of a condition with its type.
func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendText(append(dst, 's'), v)
	case bool:
		return append(append(dst, 'b'), boolKey(v)...)
	case int64:
		return binary.LittleEndian.AppendUint64(append(dst, 'd'), uint64(v))
	case float64:
		return binary.LittleEndian.AppendUint64(append(dst, 'f'), math.Float64bits(v))
	}
	return dst
}
