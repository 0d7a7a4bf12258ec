package parquet

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	meta "github.com/parquet-go/parquet-go/format"

	"engram/data/half"
)

// scalar says how the values of a leaf become values of a payload.
type scalar struct {
	typ   string           // Go's name of them
	int   func(int64) any  // from INT32 and INT64
	bytes func([]byte) any // from byte arrays; nil for text
}

// scalarOf returns the conversion for a physical and a logical type (nil for
// none), or the reason why there is none.
func scalarOf(kind format.Kind, logical any) (s scalar, reason string) {
	switch t := logical.(type) {
	case *meta.NullType:
		return scalar{typ: "nil", int: plainInt}, ""
	case *meta.DecimalType:
		return decimal(kind, int(t.Scale)), ""
	case *meta.DateType:
		return scalar{typ: "string", int: date}, ""
	case *meta.TimeType:
		return scalar{typ: "string", int: timeOfDay(t.Unit)}, ""
	case *meta.TimestampType:
		return scalar{typ: "string", int: timestamp(t.Unit)}, ""
	case *meta.IntType:
		return scalar{typ: "int64", int: integer(t)}, ""
	case *meta.Float16Type:
		return scalar{typ: "float64", bytes: float16}, ""
	case *meta.UUIDType:
		return scalar{typ: "string", bytes: uuid}, ""
	case *meta.StringType, *meta.EnumType, *meta.JsonType:
		return scalar{typ: "string"}, ""
	}
	switch kind {
	case format.Boolean:
		return scalar{typ: "bool"}, ""
	case format.Int32, format.Int64:
		return scalar{typ: "int64", int: plainInt}, ""
	case format.Float, format.Double:
		return scalar{typ: "float64"}, ""
	case format.Int96:
		return scalar{typ: "string"}, ""
	case format.FixedLenByteArray:
		return scalar{typ: "string", bytes: func(b []byte) any { return hex.EncodeToString(b) }}, ""
	}
	return scalar{}, "bytes"
}

// decode writes the len(dst) values of a page from number at on to dst. It
// panics where the page has fewer.
func (s *scalar) decode(dst []any, values encoding.Values, at int) {
	switch values.Kind() {
	case encoding.Boolean:
		bits := values.Boolean()
		for i := range dst {
			dst[i] = bits[(at+i)/8]>>((at+i)%8)&1 != 0
		}
	case encoding.Int32:
		for i, x := range values.Int32()[at : at+len(dst)] {
			dst[i] = s.int(int64(x))
		}
	case encoding.Int64:
		for i, x := range values.Int64()[at : at+len(dst)] {
			dst[i] = s.int(x)
		}
	case encoding.Int96:
		for i, x := range values.Int96()[at : at+len(dst)] {
			dst[i] = text(julian(int64(x[2]), int64(x[1])<<32|int64(x[0])))
		}
	case encoding.Float:
		for i, x := range values.Float()[at : at+len(dst)] {
			dst[i] = finite(float64(x))
		}
	case encoding.Double:
		for i, x := range values.Double()[at : at+len(dst)] {
			dst[i] = finite(x)
		}
	case encoding.ByteArray:
		data, offsets := values.ByteArray()
		s.decodeBytes(dst, data, offsets[at:at+len(dst)+1])
	case encoding.FixedLenByteArray:
		data, size := values.FixedLenByteArray()
		for i := range dst {
			dst[i] = s.bytes(data[(at+i)*size : (at+i+1)*size])
		}
	default:
		clear(dst) // a column that is all null
	}
}

// decodeBytes cuts data at the offsets; n values have n+1 offsets. Text is copied
// once and then cut.
func (s *scalar) decodeBytes(dst []any, data []byte, offsets []uint32) {
	if s.bytes != nil {
		for i := range dst {
			dst[i] = s.bytes(data[offsets[i]:offsets[i+1]])
		}
		return
	}
	first := offsets[0]
	all := string(data[first:offsets[len(dst)]])
	for i := range dst {
		value := all[offsets[i]-first : offsets[i+1]-first]
		if !utf8.ValidString(value) {
			value = strings.ToValidUTF8(value, "\ufffd")
		}
		dst[i] = value
	}
}

func plainInt(x int64) any { return x }

// integer returns the conversion of an integer with a width and a sign.
func integer(t *meta.IntType) func(int64) any {
	switch {
	case t.IsSigned:
		return plainInt
	case t.BitWidth == 64:
		return func(x int64) any {
			if x < 0 {
				return strconv.FormatUint(uint64(x), 10)
			}
			return x
		}
	}
	return func(x int64) any { return int64(uint32(x)) }
}

// finite returns x, or nil where it is no number or infinite.
func finite(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}

func float16(b []byte) any {
	return finite(float64(half.Float32(uint16(b[0]) | uint16(b[1])<<8)))
}

func uuid(b []byte) any {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// decimal returns the conversion of an unscaled integer, in two's complement
// and big-endian where it is bytes, to its value times 10^-scale.
func decimal(kind format.Kind, scale int) scalar {
	parsed := func(digits string) any {
		x, err := strconv.ParseFloat(digits+"e"+strconv.Itoa(-scale), 64)
		if err != nil {
			return nil // beyond the largest float64
		}
		return x
	}
	if kind == format.Int32 || kind == format.Int64 {
		if scale == 0 {
			return scalar{typ: "int64", int: plainInt}
		}
		return scalar{typ: "float64", int: func(x int64) any { return parsed(strconv.FormatInt(x, 10)) }}
	}
	return scalar{typ: "float64", bytes: func(b []byte) any {
		x := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return parsed(x.String())
	}}
}

func text(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// date converts days since 1970.
func date(days int64) any {
	return time.Unix(0, 0).UTC().AddDate(0, 0, int(days)).Format(time.DateOnly)
}

// unitOf returns how many of a unit are a second; of none, milliseconds.
func unitOf(u meta.TimeUnit) int64 {
	if u.Value == nil {
		return 1000
	}
	return int64(time.Second / u.Value.Duration())
}

func timestamp(u meta.TimeUnit) func(int64) any {
	perSecond := unitOf(u)
	return func(x int64) any {
		return text(time.Unix(x/perSecond, x%perSecond*(int64(time.Second)/perSecond)))
	}
}

func timeOfDay(u meta.TimeUnit) func(int64) any {
	perSecond := unitOf(u)
	return func(x int64) any {
		t := time.Unix(x/perSecond, x%perSecond*(int64(time.Second)/perSecond))
		return t.UTC().Format("15:04:05.999999999")
	}
}

// julian returns the moment of an INT96: a Julian day and nanoseconds in it.
func julian(day, nanoseconds int64) time.Time {
	const epoch = 2440588 // 1 January 1970
	return time.Unix((day-epoch)*24*3600, nanoseconds)
}
