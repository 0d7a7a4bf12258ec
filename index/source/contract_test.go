package source_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"engram/data/laion"
	"engram/data/vfs"
	"engram/index"
	"engram/index/source"
)

// Every kind of source keeps what Source and Shard promise.
func TestContract(t *testing.T) {
	dir := t.TempDir()
	for kind, place := range map[source.Kind]string{
		source.Images:     filepath.Join(dir, "images"),
		source.Tars:       filepath.Join(dir, "tars"),
		source.Embeddings: filepath.Join(dir, "laion"),
		source.Tables:     filepath.Join(dir, "tables"),
		source.Scenes:     "scenes:1100?seed=3&size=8",
	} {
		t.Run(string(kind), func(t *testing.T) {
			write(t, kind, place)
			if found, err := source.Detect(place); err != nil || found != kind {
				t.Fatalf("detected %q, %v", found, err)
			}
			s, err := source.Open(place, source.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkSource(t, s)
		})
	}
}

// checkSource lists the shards twice, and reads each from its beginning and from
// every seventh row.
func checkSource(t *testing.T, s source.Source) {
	t.Helper()
	shards, err := s.Shards(t.Context())
	if err != nil || len(shards) < 2 {
		t.Fatalf("%d shards, error %v, want two or more", len(shards), err)
	}
	again, err := s.Origin().Shards(t.Context())
	if diff := cmp.Diff(shards, again, cmpopts.IgnoreFields(source.Shard{}, "Read")); err != nil || diff != "" {
		t.Errorf("shards of its origin: error %v (-source +origin):\n%s", err, diff)
	}
	ids := map[index.ID]string{}
	for i := range shards {
		rows := readFrom(t, &shards[i], 0)
		if shards[i].Rows >= 0 && len(rows) != shards[i].Rows {
			t.Errorf("%s has %d rows and says %d", shards[i].Name, len(rows), shards[i].Rows)
		}
		for n, row := range rows {
			if row.Err != nil || (row.Vector == nil) == (row.Open == nil) || (shards[i].Dim != 0) != (row.Vector != nil) {
				t.Fatalf("row %d of %s has neither image nor vector, or both: %+v", n, shards[i].Name, row)
			}
			if source.ShardOf(row.Payload) != shards[i].Name {
				t.Errorf("the payload of row %d names shard %q, want %q", n, source.ShardOf(row.Payload), shards[i].Name)
			}
			if other, taken := ids[row.ID]; taken {
				t.Errorf("row %d of %s has the id of %s", n, shards[i].Name, other)
			}
			ids[row.ID] = fmt.Sprint("row ", n, " of ", shards[i].Name)
		}
		for from := 7; from <= len(rows); from += max(7, len(rows)/3) {
			rest := readFrom(t, &shards[i], from)
			if diff := cmp.Diff(rows[from:], rest, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(source.Row{}, "Open")); diff != "" {
				t.Errorf("%s from row %d on (-want +got):\n%s", shards[i].Name, from, diff)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for rows, err := range shards[0].Read(ctx, 0) {
		if !errors.Is(err, context.Canceled) || len(rows) > 0 {
			t.Errorf("after an interrupt: %d rows, error %v", len(rows), err)
		}
	}
}

// readFrom returns the rows of a shard from one on, with vectors of their own.
func readFrom(t *testing.T, s *source.Shard, from int) (rows []source.Row) {
	t.Helper()
	for some, err := range s.Read(t.Context(), from) {
		if err != nil {
			t.Fatalf("%s from row %d on: %v", s.Name, from, err)
		}
		for _, row := range some {
			row.Vector = slices.Clone(row.Vector)
			rows = append(rows, row)
		}
	}
	return rows
}

// write makes a source of a kind with two shards.
func write(t *testing.T, kind source.Kind, place string) {
	t.Helper()
	if kind != source.Scenes {
		if err := os.MkdirAll(place, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	switch kind {
	case source.Images:
		for i := range 150 {
			writeFiles(t, place, map[string]string{fmt.Sprintf("%d/%03d.jpg", i%2, i): fmt.Sprint("image ", i)})
		}
	case source.Tars:
		for shard := range 2 {
			writeFiles(t, place, map[string]string{fmt.Sprintf("%05d.tar", shard): samples(t, 80)})
		}
	case source.Embeddings:
		w, err := laion.Create(vfs.OS{}, place, laion.WriterOptions{Dim: 2, RowsPerFile: 1500})
		for i := 0; err == nil && i < 3000; i++ {
			err = w.Append(map[string]any{"n": int64(i)}, []float32{.6, .8})
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	case source.Tables:
		file := table(t)
		writeFiles(t, place, map[string]string{"0.parquet": file, "1.parquet": file})
	}
}

// table returns a Parquet file with vectors.
func table(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "data", "parquet", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tables []struct {
		Name string
		File []byte
	}
	if err := json.Unmarshal(text, &tables); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name == "list of float16, pages 1.0, large" {
			return string(table.File)
		}
	}
	t.Fatal("the tables of package parquet have no list of float16")
	return ""
}

// samples returns a tar of n samples.
func samples(t *testing.T, n int) string {
	t.Helper()
	var file bytes.Buffer
	w := tar.NewWriter(&file)
	for i := range n {
		for _, part := range []struct{ ext, text string }{{"jpg", fmt.Sprint("image ", i)}, {"txt", fmt.Sprint("caption ", i)}} {
			header := &tar.Header{Name: fmt.Sprintf("%05d.%s", i, part.ext), Mode: 0o644, Size: int64(len(part.text))}
			err := w.WriteHeader(header)
			if err == nil {
				_, err = w.Write([]byte(part.text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}
