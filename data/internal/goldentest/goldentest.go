// Package goldentest serves the tests of the packages around it: it reads the
// golden files that scripts/golden_data.py makes with the reference
// implementations, and measures what a parser allocates.
package goldentest

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Load decodes testdata/golden.json of the package under test.
func Load(t testing.TB, cases any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, cases); err != nil {
		t.Fatal(err)
	}
}

// Values parses decimal integers or hexadecimal floats into the slice that a
// reader returns for NumPy's type dtype. Half precision arrives as float32.
func Values(t testing.TB, dtype string, values []string) any {
	t.Helper()
	switch dtype {
	case "bool":
		return parsed(t, values, func(s string) (bool, error) { return s == "1", nil })
	case "int8":
		return signed[int8](t, values)
	case "int16":
		return signed[int16](t, values)
	case "int32":
		return signed[int32](t, values)
	case "int64":
		return signed[int64](t, values)
	case "uint8":
		return unsigned[uint8](t, values)
	case "uint16":
		return unsigned[uint16](t, values)
	case "uint32":
		return unsigned[uint32](t, values)
	case "uint64":
		return unsigned[uint64](t, values)
	case "float64":
		return parsed(t, values, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	case "float16", "bfloat16", "float32":
		return Float32s(t, values)
	}
	t.Fatalf("golden has unknown type %s", dtype)
	return nil
}

// Float32s parses the values of any type as float32, rounding once.
func Float32s(t testing.TB, values []string) []float32 {
	t.Helper()
	return parsed(t, values, func(s string) (float32, error) {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return float32(i), nil
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return float32(u), nil
		}
		x, err := strconv.ParseFloat(s, 64)
		return float32(x), err
	})
}

func parsed[T any](t testing.TB, values []string, parse func(string) (T, error)) []T {
	t.Helper()
	out := make([]T, len(values))
	for i, s := range values {
		var err error
		if out[i], err = parse(s); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func signed[T int8 | int16 | int32 | int64](t testing.TB, values []string) []T {
	t.Helper()
	return parsed(t, values, func(s string) (T, error) {
		x, err := strconv.ParseInt(s, 10, 64)
		return T(x), err
	})
}

func unsigned[T uint8 | uint16 | uint32 | uint64](t testing.TB, values []string) []T {
	t.Helper()
	return parsed(t, values, func(s string) (T, error) {
		x, err := strconv.ParseUint(s, 10, 64)
		return T(x), err
	})
}

// AllocatedBytes returns how much memory do allocates, freed or not.
func AllocatedBytes(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// SameFloats compares numbers by value and sign, NaN being equal to NaN.
func SameFloats() cmp.Option {
	return cmp.Options{
		cmp.Comparer(sameFloat),
		cmp.Comparer(func(a, b float32) bool { return sameFloat(float64(a), float64(b)) }),
	}
}

func sameFloat(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b && math.Signbit(a) == math.Signbit(b)
}
