package parquet_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/parquet"
	"engram/data/vfs"
)

// keep makes TestWriterKeepsWhatPyArrowWrote leave its files for
// scripts/check_laion.py.
var keep = flag.String("keep", "", "folder for what the writer writes")

// written writes rows and reads them again.
func written(t testing.TB, path string, rows []map[string]any) []map[string]any {
	t.Helper()
	w, err := parquet.Create(vfs.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(errors.Join(err, w.Discard()))
		}
	}
	if w.Len() != len(rows) {
		t.Errorf("Len is %d, want %d", w.Len(), len(rows))
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return readAll(t, file, 999)
}

func TestWriterKeepsWhatPyArrowWrote(t *testing.T) {
	for i, g := range load[table](t, "golden.json") {
		t.Run(g.Name, func(t *testing.T) {
			want := readAll(t, open(t, g.File), 10)
			for _, row := range want {
				if x, ok := row["uint64"]; ok { // the digits of some, int64s beside
					row["uint64"] = fmt.Sprint(x)
				}
			}
			dir := t.TempDir()
			if *keep != "" {
				dir = *keep
			}
			got := written(t, filepath.Join(dir, fmt.Sprintf("%d.parquet", i)), want)
			if g.Rows == 0 {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Keys that come and go become columns of all rows.
func TestWriterTakesKeysAsTheyCome(t *testing.T) {
	const group = 1 << 15
	rows := make([]map[string]any, 2*group+10)
	for i := range rows {
		rows[i] = map[string]any{"i": int64(i), "late": nil}
		if i > group+5 {
			rows[i]["late"] = []string{fmt.Sprint(i)}
		}
		if i > 2*group {
			rows[i]["a.b"] = 0.5 * float64(i)
		}
		if i%3 == 0 {
			rows[i]["third"] = i%2 == 0
		}
	}
	dir := t.TempDir()
	got := written(t, filepath.Join(dir, "a.parquet"), rows)
	for i, row := range rows {
		want := map[string]any{"i": nil, "late": nil, "a.b": nil, "third": nil}
		maps.Copy(want, row)
		if !reflect.DeepEqual(want, got[i]) {
			t.Fatalf("row %d is %v, want %v", i, got[i], want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v, want the one file", entries, err)
	}
}

func TestWriterOfRowsWithoutKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	got := written(t, path, make([]map[string]any, 40000))
	if len(got) != 40000 || got[39999]["row"] != int64(39999) || len(got[0]) != 1 {
		t.Errorf("%d rows, the last is %v", len(got), got[len(got)-1])
	}
	// A key of that name is a key like others.
	got = written(t, path, []map[string]any{{}, {"row": "x"}})
	if diff := cmp.Diff([]map[string]any{{"row": nil}, {"row": "x"}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := written(t, path, nil); len(got) != 0 {
		t.Errorf("rows are %v, want none", got)
	}
}

func TestWriterMendsWhatTheFormatCannotHold(t *testing.T) {
	minusZero := math.Copysign(0, -1)
	got := written(t, filepath.Join(t.TempDir(), "a.parquet"), []map[string]any{
		{"s": "a\xffb", "f": math.NaN(), "l": []string(nil), "never": nil},
		{"s": "", "f": math.Inf(1), "l": []string{"\xc3"}},
		{"f": minusZero, "l": []string{"", "x"}},
	})
	want := []map[string]any{
		{"s": "a\ufffdb", "f": nil, "l": []string{}, "never": nil},
		{"s": "", "f": nil, "l": []string{"\ufffd"}, "never": nil},
		{"s": nil, "f": minusZero, "l": []string{"", "x"}, "never": nil},
	}
	sameBits := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	if diff := cmp.Diff(want, got, sameBits); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriterRefusesOtherTypes(t *testing.T) {
	w, err := parquet.Create(vfs.OS{}, filepath.Join(t.TempDir(), "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if err := w.Write(map[string]any{"a": int64(1)}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []map[string]any{{"a": "x"}, {"a": 1.0}, {"b": 1}, {"b": float32(1)}, {"b": []any{"x"}}, {"": "x"}} {
		if err := w.Write(row); !errors.Is(err, parquet.ErrPayload) {
			t.Errorf("%v: error is %v, want %v", row, err, parquet.ErrPayload)
		}
	}
	if w.Len() != 1 {
		t.Errorf("Len is %d, want 1", w.Len())
	}
}

// Whatever payloads are written are read again.
func TestWriterKeepsPayloads(t *testing.T) {
	dir := t.TempDir()
	texts := rapid.StringN(0, 8, -1)
	values := map[string]*rapid.Generator[any]{
		"s": rapid.Map(texts, func(s string) any { return s }),
		"b": rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		"i": rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		"f": rapid.Map(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), func(f float64) any { return f }),
		"l": rapid.Map(rapid.SliceOfN(texts, 0, 4), func(l []string) any { return l }),
	}
	rapid.Check(t, func(rt *rapid.T) {
		var rows, want []map[string]any
		seen := map[string]bool{}
		for range rapid.IntRange(1, 30).Draw(rt, "rows") {
			row := map[string]any{}
			for name, value := range values {
				switch rapid.IntRange(0, 3).Draw(rt, name) {
				case 0:
				case 1:
					row[name], seen[name] = nil, true
				default:
					row[name], seen[name] = value.Draw(rt, "value"), true
				}
			}
			rows = append(rows, row)
		}
		if len(seen) == 0 {
			return
		}
		for _, row := range rows {
			full := map[string]any{}
			for name := range seen {
				full[name] = row[name]
			}
			want = append(want, full)
		}
		if diff := cmp.Diff(want, written(t, filepath.Join(dir, "a.parquet"), rows)); diff != "" {
			rt.Fatalf("(-want +got)\n%s", diff)
		}
	})
}
