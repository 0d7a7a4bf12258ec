package npy_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/npy"
)

// writeRows writes rows through a RowWriter and returns the file.
func writeRows(t *testing.T, rows [][]float32, dim int, half bool) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "a.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := npy.NewRowWriter(f, dim, half)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Rows() != len(rows) {
		t.Errorf("Rows is %d, want %d", w.Rows(), len(rows))
	}
	return f.Name()
}

func TestRowWriterWritesWhatWriteWrites(t *testing.T) {
	for _, count := range []int{0, 1, 9, 10, 5000} {
		rows, flat := make([][]float32, count), []float32{}
		for i := range rows {
			rows[i] = []float32{float32(i), -0.5, float32(i) / 7, 1e30, float32(math.Inf(1))}
			flat = append(flat, rows[i]...)
		}
		var want bytes.Buffer
		if err := npy.Write(&want, []int{count, 5}, flat); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(writeRows(t, rows, 5, false))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%d rows: RowWriter writes other bytes than Write", count)
		}
	}
}

func TestRowWriterRoundsToHalfPrecision(t *testing.T) {
	path := writeRows(t, [][]float32{{1, 0.1, 65504}, {-0x1p-24, 2049, 70000}}, 3, true)
	a, err := npy.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// numpy.float16([1, 0.1, 65504, -2**-24, 2049, 70000]).
	want := []float32{1, 0.0999755859375, 65504, -0x1p-24, 2048, float32(math.Inf(1))}
	if diff := cmp.Diff(want, a.Data); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	rows, err := npy.OpenRows(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Type() != "float16" {
		t.Errorf("Type is %s, want float16", rows.Type())
	}
}

func TestRowWriterRefusesRowsOfAnotherLength(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "a.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := npy.NewRowWriter(f, 0, false); err == nil {
		t.Error("rows without elements are accepted")
	}
	w, err := npy.NewRowWriter(f, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(make([]float32, 2)); err == nil || w.Rows() != 0 {
		t.Errorf("error is %v after %d rows, want a refusal", err, w.Rows())
	}
}
