package npy_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/npy"
)

// golden is one array written by NumPy (scripts/golden_data.py).
type golden struct {
	Name   string
	Dtype  string
	Shape  []int
	Values []string // C order; decimal integers or hexadecimal floats
	File   []byte
}

func goldens(t testing.TB) []golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// wantData parses the values into the slice that Array.Data must be.
func (g golden) wantData(t *testing.T) any {
	t.Helper()
	switch g.Dtype {
	case "bool":
		return parsed(t, g.Values, func(s string) (bool, error) { return s == "1", nil })
	case "int8":
		return signed[int8](t, g.Values)
	case "int16":
		return signed[int16](t, g.Values)
	case "int32":
		return signed[int32](t, g.Values)
	case "int64":
		return signed[int64](t, g.Values)
	case "uint8":
		return unsigned[uint8](t, g.Values)
	case "uint16":
		return unsigned[uint16](t, g.Values)
	case "uint32":
		return unsigned[uint32](t, g.Values)
	case "uint64":
		return unsigned[uint64](t, g.Values)
	case "float64":
		return parsed(t, g.Values, float)
	case "float16", "float32":
		return g.float32s(t)
	}
	t.Fatalf("golden has unknown type %s", g.Dtype)
	return nil
}

// float32s parses the values as float32, which rounds wide ones once.
func (g golden) float32s(t *testing.T) []float32 {
	t.Helper()
	return parsed(t, g.Values, func(s string) (float32, error) {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return float32(i), nil
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return float32(u), nil
		}
		x, err := float(s)
		return float32(x), err
	})
}

// float parses a hexadecimal float as Python writes it.
func float(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func parsed[T any](t *testing.T, values []string, parse func(string) (T, error)) []T {
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

func signed[T int8 | int16 | int32 | int64](t *testing.T, values []string) []T {
	t.Helper()
	return parsed(t, values, func(s string) (T, error) {
		x, err := strconv.ParseInt(s, 10, 64)
		return T(x), err
	})
}

func unsigned[T uint8 | uint16 | uint32 | uint64](t *testing.T, values []string) []T {
	t.Helper()
	return parsed(t, values, func(s string) (T, error) {
		x, err := strconv.ParseUint(s, 10, 64)
		return T(x), err
	})
}

// sameFloats compares numbers by value and sign, NaN being equal to NaN.
var sameFloats = cmp.Options{
	cmp.Comparer(sameFloat),
	cmp.Comparer(func(a, b float32) bool { return sameFloat(float64(a), float64(b)) }),
}

func sameFloat(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b && math.Signbit(a) == math.Signbit(b)
}

func writeTemp(t testing.TB, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadAgreesWithNumPy(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			want := &npy.Array{Shape: g.Shape, Data: g.wantData(t)}
			fromFile, err := npy.ReadFile(writeTemp(t, g.File))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, fromFile, sameFloats); diff != "" {
				t.Errorf("ReadFile: (-want +got)\n%s", diff)
			}
			fromStream, err := npy.Read(bytes.NewReader(g.File), int64(len(g.File)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, fromStream, sameFloats); diff != "" {
				t.Errorf("Read: (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(g.float32s(t), fromFile.Float32s(), sameFloats); diff != "" {
				t.Errorf("Float32s: (-want +got)\n%s", diff)
			}
		})
	}
}

func TestRowsAgreeWithNumPy(t *testing.T) {
	for _, g := range goldens(t) {
		if len(g.Shape) == 0 {
			continue
		}
		t.Run(g.Name, func(t *testing.T) {
			rows, err := npy.OpenRows(writeTemp(t, g.File))
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			want := g.float32s(t)
			count := rows.Shape()[0]
			rowLen := len(want) / max(count, 1)
			for from := range count + 1 {
				for n := range count - from + 1 {
					got := make([]float32, n*rowLen)
					if err := rows.Read(got, from, n); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want[from*rowLen:(from+n)*rowLen], got, sameFloats); diff != "" {
						t.Errorf("rows %d+%d: (-want +got)\n%s", from, n, diff)
					}
				}
			}
		})
	}
}

func TestMapAgreesWithNumPy(t *testing.T) {
	mapped := 0
	for _, g := range goldens(t) {
		m, err := npy.Map(writeTemp(t, g.File))
		if err != nil {
			continue
		}
		mapped++
		if diff := cmp.Diff(g.float32s(t), m.Data, sameFloats); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", g.Name, diff)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
	if mapped != 3 { // "<f4 C" in three format versions
		t.Errorf("%d goldens could be mapped, want 3", mapped)
	}
}
