package parquet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/parquet"
)

// table is one written by PyArrow (scripts/golden_laion.py).
type table struct {
	Name    string
	Rows    int
	Columns map[string][]value
	File    []byte
}

// value is a payload value, tagged with its type.
type value struct{ any }

func (v *value) UnmarshalJSON(raw []byte) error {
	var tagged map[string]json.RawMessage
	if err := json.Unmarshal(raw, &tagged); err != nil {
		return err
	}
	for tag, raw := range tagged {
		if tag == "l" {
			list := []string{}
			err := json.Unmarshal(raw, &list)
			v.any = list
			return err
		}
		if tag == "b" {
			v.any = string(raw) == "true"
			return nil
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		var err error
		switch tag {
		case "s":
			v.any = text
		case "i":
			v.any, err = strconv.ParseInt(text, 10, 64)
		case "f":
			v.any, err = strconv.ParseFloat(text, 64)
		}
		return err
	}
	return nil
}

func load[T any](t testing.TB, name string) []T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func open(t testing.TB, content []byte) *parquet.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// readAll reads the columns in blocks of some rows.
func readAll(t testing.TB, file *parquet.File, block int, names ...string) []map[string]any {
	t.Helper()
	rows, err := file.Rows(names...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []map[string]any
	buffer := make([]map[string]any, block)
	for {
		n, err := rows.Read(buffer)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, buffer[:n]...)
	}
}

func TestRowsAgreeWithPyArrow(t *testing.T) {
	for _, g := range load[table](t, "golden.json") {
		t.Run(g.Name, func(t *testing.T) {
			file := open(t, g.File)
			if file.Len() != g.Rows {
				t.Errorf("Len is %d, want %d", file.Len(), g.Rows)
			}
			if got, want := len(file.Columns()), len(g.Columns); got != want {
				t.Errorf("%d columns, want %d: %v", got, want, file.Columns())
			}
			var want []map[string]any
			for i := range g.Rows {
				row := map[string]any{}
				for name, values := range g.Columns {
					row[name] = values[i].any
				}
				want = append(want, row)
			}
			for _, block := range []int{1, 7, 1000} {
				if diff := cmp.Diff(want, readAll(t, file, block)); diff != "" {
					t.Fatalf("in blocks of %d: (-want +got)\n%s", block, diff)
				}
			}
		})
	}
}

func TestColumnsSayWhatTheyHold(t *testing.T) {
	for _, g := range load[table](t, "golden.json") {
		file := open(t, g.File)
		for _, c := range file.Columns() {
			for i, v := range g.Columns[c.Name] {
				if v.any != nil && c.Type != typeName(v.any) && c.Name != "uint64" {
					t.Errorf("%s: column %s is said to be %s, row %d is %T", g.Name, c.Name, c.Type, i, v.any)
				}
			}
		}
	}
}

func typeName(v any) string {
	if _, ok := v.([]string); ok {
		return "[]string"
	}
	return map[bool]string{true: "bool"}[v == true || v == false] + map[bool]string{true: "string"}[is[string](v)] +
		map[bool]string{true: "int64"}[is[int64](v)] + map[bool]string{true: "float64"}[is[float64](v)]
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func TestDroppedSaysWhy(t *testing.T) {
	file := open(t, load[table](t, "golden.json")[0].File)
	want := []parquet.Dropped{
		{Name: "jpg", Reason: "bytes"},
		{Name: "boxes", Reason: "a list of FLOAT"},
		{Name: "nested", Reason: "a list of lists or groups"},
		{Name: "attributes", Reason: "a list of groups or a map"},
		{Name: "faces", Reason: "a list of lists or groups"},
	}
	if diff := cmp.Diff(want, file.Dropped()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRowsReadsOnlyTheWantedColumns(t *testing.T) {
	g := load[table](t, "golden.json")[0]
	file := open(t, g.File)
	for i, row := range readAll(t, file, 8, "tags", "caption", "tags") {
		want := map[string]any{"tags": g.Columns["tags"][i].any, "caption": g.Columns["caption"][i].any}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("row %d: (-want +got)\n%s", i, diff)
		}
	}
	for _, name := range []string{"absent", "jpg", "boxes", "exif"} {
		if _, err := file.Rows("caption", name); !errors.Is(err, parquet.ErrColumn) {
			t.Errorf("column %s: error is %v, want %v", name, err, parquet.ErrColumn)
		}
	}
}

// vectorTable is a table with a column of vectors, nil where a row has none.
type vectorTable struct {
	Name    string
	Column  string
	Half    bool
	Dim     int
	Vectors [][]string
	File    []byte
}

func TestVectorsAgreeWithPyArrow(t *testing.T) {
	for _, g := range load[vectorTable](t, "vectors.json") {
		t.Run(g.Name, func(t *testing.T) {
			file := open(t, g.File)
			for _, dim := range []int{0, g.Dim} {
				for _, block := range []int{1, 3, len(g.Vectors)} {
					checkVectors(t, file, g, dim, block)
				}
			}
		})
	}
}

func checkVectors(t *testing.T, file *parquet.File, g vectorTable, dim, block int) {
	t.Helper()
	v, err := file.Vectors(parquet.VectorOptions{Column: g.Column, Half: g.Half, Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if v.Dim() != g.Dim {
		t.Fatalf("Dim is %d, want %d", v.Dim(), g.Dim)
	}
	for from := 0; from < len(g.Vectors); from += block {
		n := min(block, len(g.Vectors)-from)
		flat, bad := make([]float32, n*g.Dim), make([]error, n)
		if err := v.Read(flat, bad); err != nil {
			t.Fatal(err)
		}
		for i, want := range g.Vectors[from : from+n] {
			if want == nil {
				if !errors.Is(bad[i], parquet.ErrVector) {
					t.Errorf("row %d: error is %v, want %v", from+i, bad[i], parquet.ErrVector)
				}
				continue
			}
			if bad[i] != nil {
				t.Errorf("row %d: %v", from+i, bad[i])
			}
			for k, text := range want {
				x, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				if got := flat[i*g.Dim+k]; float64(got) != x {
					t.Fatalf("row %d, element %d is %g, want %g", from+i, k, got, x)
				}
			}
		}
	}
	if err := v.Read(make([]float32, g.Dim), make([]error, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("behind the last row: error is %v, want %v", err, io.ErrUnexpectedEOF)
	}
}
