package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"engram/embed"
	"engram/httpapi/internal/problem"
)

// numbers are the elements of a JSON array, or of an array of such arrays.
type numbers struct {
	name string // of the member that has them
	rows [][]float32
	flat bool // the array has no arrays in it
}

// cutNumbers takes the numbers of a vector or of voxels out of a JSON object. rest is the
// object with an empty array in their place. They are most of a query, and package json
// goes through all that it decodes several times.
//
// ok is false where there are none, or anything else than numbers within float32: then
// the readers of package json say what is wrong.
func cutNumbers(raw []byte) (rest []byte, cut numbers, ok bool) {
	if !bytes.Contains(raw, []byte(`"vector"`)) && !bytes.Contains(raw, []byte(`"voxels"`)) {
		return nil, cut, false
	}
	tokens := json.NewDecoder(bytes.NewReader(raw))
	if open, err := tokens.Token(); err != nil || open != json.Delim('{') {
		return nil, cut, false
	}
	for tokens.More() {
		token, err := tokens.Token()
		if err != nil {
			return nil, cut, false
		}
		switch name, _ := token.(string); name {
		case KindParts, "queries": // whose vectors are cut out one by one
			return nil, cut, false
		case "vector", "voxels":
			before := tokens.InputOffset()
			cut.name = name
			after, read := cut.read(raw[before:])
			if !read || name == "vector" && !cut.flat {
				return nil, cut, false
			}
			rest = append(append(rest, raw[:before]...), ":[]"...)
			return append(rest, after...), cut, true
		}
		var value json.RawMessage
		if err := tokens.Decode(&value); err != nil {
			return nil, cut, false
		}
	}
	return nil, cut, false
}

// read reads the numbers behind the name of a member, and returns what comes after them.
func (n *numbers) read(raw []byte) (after []byte, ok bool) {
	if after, ok = skip(raw, ':'); !ok {
		return nil, false
	}
	outer, ok := skip(after, '[')
	if !ok {
		return nil, false
	}
	if _, nested := skip(outer, '['); !nested {
		n.flat = true
		return n.readRow(after)
	}
	for after = outer; ; {
		if after, ok = n.readRow(after); !ok || len(n.rows) > MaxRepeats {
			return nil, false
		}
		if end, ended := skip(after, ']'); ended {
			return end, true
		}
		if after, ok = skip(after, ','); !ok {
			return nil, false
		}
	}
}

// readRow reads one array of one number or more.
func (n *numbers) readRow(raw []byte) (after []byte, ok bool) {
	raw, ok = skip(raw, '[')
	end := bytes.IndexByte(raw, ']')
	if !ok || end < 0 {
		return nil, false
	}
	row := make([]float32, 0, bytes.Count(raw[:end], []byte(","))+1)
	for {
		raw = trimSpace(raw)
		number := parseDecimal(raw)
		value, easy := number.float32()
		if !easy {
			x, err := strconv.ParseFloat(string(raw[:number.length]), 32)
			if err != nil {
				return nil, false
			}
			value = float32(x)
		}
		row = append(row, value)
		raw = raw[number.length:]
		if after, ended := skip(raw, ']'); ended {
			n.rows = append(n.rows, row)
			return after, true
		}
		if raw, ok = skip(raw, ','); !ok {
			return nil, false
		}
	}
}

// trimSpace takes off the space that may stand before a token of JSON (RFC 8259,
// section 2).
func trimSpace(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\n' || raw[0] == '\t' || raw[0] == '\r') {
		raw = raw[1:]
	}
	return raw
}

// skip returns what comes after a token of one character and the space before it.
func skip(raw []byte, token byte) (after []byte, ok bool) {
	if raw = trimSpace(raw); len(raw) == 0 || raw[0] != token {
		return raw, false
	}
	return raw[1:], true
}

// decimal is a number as it is written: digits · 10^exponent.
type decimal struct {
	negative bool
	digits   uint64
	exponent int
	length   int // in bytes; 0: there is no number
}

// parseDecimal reads the number that raw begins with as JSON writes it (RFC 8259, section
// 6). Digits overflow where there are more than 19; see float32.
func parseDecimal(raw []byte) (d decimal) {
	at := 0
	digits := func() (n int) {
		from := at
		for ; at < len(raw) && '0' <= raw[at] && raw[at] <= '9'; at++ {
			d.digits = 10*d.digits + uint64(raw[at]-'0')
		}
		return at - from
	}
	is := func(a, b byte) bool { return at < len(raw) && (raw[at] == a || raw[at] == b) }
	if is('-', '-') {
		d.negative = true
		at++
	}
	if is('0', '0') {
		at++ // and no digit behind it
	} else if digits() == 0 {
		return decimal{}
	}
	if is('.', '.') {
		at++
		if d.exponent = -digits(); d.exponent == 0 {
			return decimal{}
		}
	}
	if is('e', 'E') {
		at++
		exponent := at
		if is('+', '-') {
			at++
		}
		mantissa := d.digits
		if digits() == 0 {
			return decimal{}
		}
		d.digits = mantissa
		n, err := strconv.Atoi(string(raw[exponent:at]))
		if err != nil {
			n = math.MaxInt32
		}
		d.exponent += n
	}
	d.length = at
	return d
}

// powers are the powers of ten that are float64s.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float32 returns the float32 that is nearest to the number, where that is easily told.
//
// Digits and a power of ten that are float64s have as their product or quotient the float64
// nearest to the number (Clinger, How to Read Floating Point Numbers Accurately, 1990,
// section 3). Rounded once more it is the nearest float32, unless it lies halfway between
// two of these, so that it may have been rounded to there.
func (d decimal) float32() (value float32, ok bool) {
	const maxLength = 19 // of that many digits none has overflowed
	if d.length == 0 || d.length > maxLength || d.digits >= 1<<53 || d.exponent < -22 || d.exponent > 22 {
		return 0, false
	}
	x := float64(d.digits)
	if d.exponent < 0 {
		x /= powers[-d.exponent]
	} else {
		x *= powers[d.exponent]
	}
	const dropped = 52 - 23 // bits of the fraction
	halfway := math.Float64bits(x)&(1<<dropped-1) == 1<<(dropped-1)
	if halfway || x != 0 && (x < 0x1p-126 || x > math.MaxFloat32) {
		return 0, false
	}
	if d.negative {
		x = -x
	}
	return float32(x), true
}

// vector returns the vector of a part that has one.
func (o *partObject) vector() ([]float32, error) {
	if o.numbers.name == "vector" {
		return o.numbers.rows[0], nil
	}
	return parseFloats("vector", o.Vector)
}

// repeats returns the voxels of a part that has some.
func (o *partObject) repeats() ([][]float32, error) {
	if o.numbers.name == "voxels" {
		return o.numbers.rows, nil
	}
	return parseRepeats(o.Voxels)
}

// parseFloats reads a JSON array of numbers, or a string with the base64 of float32 numbers
// in little-endian order. Of an array: unlike encoding/json it refuses
// null, which is how some writers spell NaN, instead of reading it as zero.
// raw is valid JSON. The message names a position and never a value.
func parseFloats(name string, raw []byte) ([]float32, error) {
	raw = bytes.TrimSpace(raw)
	if raw[0] == '"' {
		return parseBase64(name, raw)
	}
	if raw[0] != '[' {
		return nil, fmt.Errorf("%s is not an array of numbers: %w", name, problem.ErrBody)
	}
	inner := bytes.TrimSpace(raw[1 : len(raw)-1])
	if len(inner) == 0 {
		return []float32{}, nil
	}
	values := make([]float32, 0, bytes.Count(inner, []byte(","))+1)
	for element := range bytes.SplitSeq(inner, []byte(",")) {
		value, err := strconv.ParseFloat(string(bytes.TrimSpace(element)), 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("%s: element %d is beyond float32: %w", name, len(values), embed.ErrNotFinite)
		case err != nil:
			return nil, fmt.Errorf("%s: element %d is not a number: %w", name, len(values), problem.ErrBody)
		}
		values = append(values, float32(value))
	}
	return values, nil
}

// parseBase64 reads a JSON string with the base64 of float32 numbers, little-endian.
func parseBase64(name string, raw []byte) ([]float32, error) {
	var packed []byte // which package json reads from base64
	if err := json.Unmarshal(raw, &packed); err != nil {
		return nil, fmt.Errorf("%s is not an array of numbers, and its string is not the base64 of float32 numbers: %w", name, problem.ErrBody)
	}
	if len(packed)%4 != 0 {
		return nil, fmt.Errorf("%s is the base64 of %d bytes, wanted float32 numbers of 4 bytes each: %w", name, len(packed), problem.ErrBody)
	}
	return floatsOf(packed), nil
}

// parseRepeats reads the voxels of one scan, or an array of repeats.
func parseRepeats(raw []byte) ([][]float32, error) {
	if bytes.TrimSpace(raw)[0] == '"' {
		one, err := parseBase64("voxels", raw)
		return [][]float32{one}, err
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, fmt.Errorf("voxels is not an array of numbers: %w", problem.ErrBody)
	}
	if len(rows) == 0 || rows[0][0] != '[' && rows[0][0] != '"' {
		one, err := parseFloats("voxels", raw)
		return [][]float32{one}, err
	}
	if len(rows) > MaxRepeats {
		return nil, fmt.Errorf("voxels has %d rows: they are repeats of one image, at most %d: %w",
			len(rows), MaxRepeats, problem.ErrVoxels)
	}
	repeats := make([][]float32, len(rows))
	for i, row := range rows {
		var err error
		if repeats[i], err = parseFloats(fmt.Sprintf("voxels, repeat %d", i), row); err != nil {
			return nil, err
		}
	}
	return repeats, nil
}
