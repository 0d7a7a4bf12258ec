package double

import (
	"math"
	"strconv"
	"strings"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// keep returns a value of a payload as it comes back: the server keeps payloads
// as JSON.
func keep(value *api.Value) (*api.Value, error) {
	switch kind := value.GetKind().(type) {
	case *api.Value_DoubleValue:
		if math.IsNaN(kind.DoubleValue) || math.IsInf(kind.DoubleValue, 0) {
			return nil, status.Error(codes.InvalidArgument, "cannot convert to json number")
		}
		return api.NewValueDouble(readNumber(writeNumber(kind.DoubleValue))), nil
	case *api.Value_ListValue:
		list := make([]*api.Value, len(kind.ListValue.GetValues()))
		for i, element := range kind.ListValue.GetValues() {
			var err error
			if list[i], err = keep(element); err != nil {
				return nil, err
			}
		}
		return api.NewValueFromList(list...), nil
	case *api.Value_StructValue:
		fields := map[string]*api.Value{}
		for name, field := range kind.StructValue.GetFields() {
			kept, err := keep(field)
			if err != nil {
				return nil, err
			}
			fields[name] = kept
		}
		return api.NewValueFromFields(fields), nil
	case nil:
		return api.NewValueNull(), nil
	}
	return value, nil
}

// writeNumber returns the text that Rust's serde_json writes: the shortest
// digits, with a point up to 16 places before it and 4 zeros after it.
func writeNumber(x float64) string {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	power, _ := strconv.Atoi(exponent) // FormatFloat writes a number
	switch {
	case x == 0 || power >= -5 && power < 16:
		text = strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	return mantissa + "e" + strconv.Itoa(power)
}

// readNumber reads a number as serde_json does without its feature
// float_roundtrip: the digits as a whole number, rounded, then one rounded
// multiplication or division by a power of ten, or two.
func readNumber(text string) float64 {
	digits, negative := strings.CutPrefix(text, "-")
	digits, exponent, _ := strings.Cut(digits, "e")
	whole, fraction, _ := strings.Cut(digits, ".")
	power, _ := strconv.Atoi(exponent) // "" is 0
	power -= len(fraction)
	significand, _ := strconv.ParseUint(whole+fraction, 10, 64) // at most 17 digits
	x := float64(significand)
	if power < -308 {
		x /= 1e308
		power += 308
	}
	if power >= 0 {
		x *= math.Pow10(power)
	} else {
		x /= math.Pow10(-power)
	}
	if negative {
		x = -x
	}
	return x
}

// jsonPath is a path to a value of a payload: a key, then keys of the objects
// inside.
type jsonPath struct {
	key  string
	rest []string
}

// parsePath reads keys that are separated by points, each bare, of letters,
// digits, _ and -, or in quotes, in which there are no quotes or backslashes.
func parsePath(text string) (jsonPath, error) {
	var keys []string
	left := text
	for {
		key, after, ok := parseKey(left)
		if !ok {
			return jsonPath{}, status.Errorf(codes.InvalidArgument, "Invalid json path: '%s'", text)
		}
		keys = append(keys, key)
		if after == "" {
			return jsonPath{keys[0], keys[1:]}, nil
		}
		if left, ok = strings.CutPrefix(after, "."); !ok {
			return jsonPath{}, status.Errorf(codes.InvalidArgument, "Invalid json path: '%s'", text)
		}
	}
}

func parseKey(text string) (key, after string, ok bool) {
	if quoted, is := strings.CutPrefix(text, `"`); is {
		key, after, ok = strings.Cut(quoted, `"`)
		return key, after, ok && !strings.Contains(key, `\`)
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !bare(r) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:], end > 0
}

func bare(r rune) bool { return r == '_' || r == '-' || len(tokens(string(r))) == 1 }

// String returns the path as the server lists it.
func (p jsonPath) String() string {
	keys := append([]string{p.key}, p.rest...)
	for i, key := range keys {
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !bare(r) }) {
			keys[i] = `"` + key + `"`
		}
	}
	return strings.Join(keys, ".")
}

// lookup returns the value at the path, nil where there is none.
func (p jsonPath) lookup(payload map[string]*api.Value) *api.Value {
	value := payload[p.key]
	for _, key := range p.rest {
		value = value.GetStructValue().GetFields()[key]
	}
	return value
}
