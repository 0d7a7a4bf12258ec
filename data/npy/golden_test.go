package npy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/internal/goldentest"
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
	var cases []golden
	goldentest.Load(t, &cases)
	return cases
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
			want := &npy.Array{Shape: g.Shape, Data: goldentest.Values(t, g.Dtype, g.Values)}
			fromFile, err := npy.ReadFile(writeTemp(t, g.File))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, fromFile, goldentest.SameFloats()); diff != "" {
				t.Errorf("ReadFile: (-want +got)\n%s", diff)
			}
			fromStream, err := npy.Read(bytes.NewReader(g.File), int64(len(g.File)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, fromStream, goldentest.SameFloats()); diff != "" {
				t.Errorf("Read: (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(goldentest.Float32s(t, g.Values), fromFile.Float32s(), goldentest.SameFloats()); diff != "" {
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
			want := goldentest.Float32s(t, g.Values)
			count := rows.Shape()[0]
			rowLen := len(want) / max(count, 1)
			for from := range count + 1 {
				for n := range count - from + 1 {
					got := make([]float32, n*rowLen)
					if err := rows.Read(got, from, n); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want[from*rowLen:(from+n)*rowLen], got, goldentest.SameFloats()); diff != "" {
						t.Errorf("rows %d+%d: (-want +got)\n%s", from, n, diff)
					}
				}
			}
		})
	}
}
