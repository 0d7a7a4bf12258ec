package laion_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"engram/data/laion"
	"engram/data/parquet"
)

// vectorTables returns tables with vectors by PyArrow, by their names in the
// goldens of package parquet.
func vectorTables(t testing.TB) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile("../parquet/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name string
		File []byte
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, c := range cases {
		out[c.Name] = c.File
	}
	return out
}

func TestTablesWithVectors(t *testing.T) {
	tables := vectorTables(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "part-10.parquet"), tables["list of float16, pages 1.0, large"])
	put(t, filepath.Join(dir, "part-9.parquet"), tables["fixed size list of float32, pages 2.0, small"])
	put(t, filepath.Join(dir, ".part-1.parquet"), []byte("hidden"))
	shards, err := laion.ListParquet(dir, parquet.VectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(shards) != 2 || shards[0].Name != "part-9.parquet" || shards[1].Name != "part-10.parquet" {
		t.Fatalf("shards are %+v", shards)
	}
	var first []laion.Row
	for i, s := range shards {
		if s.Err != nil || s.Column != "embedding" || s.Dim != 5 || s.Number != i || s.Type != []string{"float32", "float16"}[i] {
			t.Errorf("shard is %+v", s)
		}
		rows := read(t, s, laion.Options{}, 7)
		for k, row := range rows {
			if row.Err != nil || len(row.Payload) != 1 || row.Payload["caption"] != "row "+strconv.Itoa(k) {
				t.Fatalf("row %d is %+v", k, row)
			}
			if first != nil && !slices.Equal(row.Vector, first[k].Vector) {
				t.Errorf("row %d is %v, in the other table %v", k, row.Vector, first[k].Vector)
			}
		}
		first = rows
	}
	if rows := read(t, shards[0], laion.Options{NoPayload: true}, 100); rows[3].Payload != nil || rows[3].Vector[4] != first[3].Vector[4] {
		t.Errorf("without payloads: %+v", rows[3])
	}
}

// A column of bytes is the vector when it is named, and then no payload.
func TestTablesWithVectorsAsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	put(t, path, vectorTables(t)["fixed bytes <f2 {}"])
	shards, err := laion.ListParquet(path, parquet.VectorOptions{Column: "vec", Half: true})
	if err != nil {
		t.Fatal(err)
	}
	if s := shards[0]; s.Err != nil || s.Dim != 5 || s.Type != "float16" {
		t.Fatalf("shard is %+v", s)
	}
	for i, row := range read(t, shards[0], laion.Options{}, 10) {
		if row.Err != nil || len(row.Payload) != 1 || row.Payload["id"] != int64(i) {
			t.Errorf("row %d is %+v", i, row)
		}
	}
	shards, err = laion.ListParquet(path, parquet.VectorOptions{})
	if err != nil || !errors.Is(shards[0].Err, laion.ErrNoVectors) || !errors.Is(shards[0].Err, parquet.ErrColumn) {
		t.Errorf("unnamed: %v, %v, want %v", shards[0].Err, err, laion.ErrNoVectors)
	}
}

func TestTablesWithUnusableRows(t *testing.T) {
	dir := t.TempDir()
	tables := vectorTables(t)
	put(t, filepath.Join(dir, "0.parquet"), tables["unusable rows {}"])
	put(t, filepath.Join(dir, "1.parquet"), tables["bytes <f4 {}"])
	put(t, filepath.Join(dir, "2.parquet"), tables["unusable bytes"][:100])
	shards, err := laion.ListParquet(filepath.Join(dir, "?.parquet"), parquet.VectorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, laion.ErrNoVectors, laion.ErrFormat} {
		if !errors.Is(shards[i].Err, want) {
			t.Errorf("shard %d: %v, want %v", i, shards[i].Err, want)
		}
	}
	for i, row := range read(t, shards[0], laion.Options{}, 3) {
		if good := i == 1 || i == 6; good != (row.Err == nil) || !good && !errors.Is(row.Err, laion.ErrVector) {
			t.Errorf("row %d: error is %v", i, row.Err)
		}
	}
}
