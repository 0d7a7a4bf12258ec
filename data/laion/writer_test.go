package laion_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"engram/data/laion"
	"engram/data/parquet"
	"engram/data/vfs"
)

func create(t testing.TB, dir string, o laion.WriterOptions) *laion.Writer {
	t.Helper()
	w, err := laion.Create(vfs.OS{}, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Discard() })
	return w
}

// names returns the files in a folder, temporary ones too, relative to it.
func names(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriterCutsIntoShards(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, laion.WriterOptions{
		Dim: 2, Sets: []laion.Set{laion.Image, laion.Text}, Float32: true, RowsPerFile: 3, First: 9, Shards: 100,
	})
	for i := range 7 {
		if shard := 9 + i/3; w.Shard() != shard {
			t.Errorf("row %d goes to shard %d, want %d", i, w.Shard(), shard)
		}
		x := float32(i) + 0.1
		if err := w.Append(map[string]any{"i": int64(i)}, []float32{x, 1}, []float32{2, x}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(nil, []float32{1, 0}, []float32{1, 0}); err == nil {
		t.Error("a closed writer takes a row")
	}
	want := []string{
		"img_emb/img_emb_009.npy", "img_emb/img_emb_010.npy", "img_emb/img_emb_011.npy",
		"metadata/metadata_009.parquet", "metadata/metadata_010.parquet", "metadata/metadata_011.parquet",
		"text_emb/text_emb_009.npy", "text_emb/text_emb_010.npy", "text_emb/text_emb_011.npy",
	}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
	for k, set := range []laion.Set{laion.Image, laion.Text} {
		shards, err := laion.List(dir, set)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for _, s := range shards {
			for _, row := range read(t, s, laion.Options{}, 2) {
				if x := float32(i) + 0.1; row.Vector[k] != x || row.Payload["i"] != int64(i) || s.Type != "float32" {
					t.Errorf("%s: row %d is %+v", set, i, row)
				}
				i++
			}
		}
		if i != 7 {
			t.Errorf("%s has %d rows, want 7", set, i)
		}
	}
}

// A row that is refused leaves the writer as it was.
func TestWriterRefusesRows(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, laion.WriterOptions{Dim: 2})
	nan := float32(math.NaN())
	good := map[string]any{"a": "x"}
	for i := range 2 {
		for _, test := range []struct {
			payload map[string]any
			vectors [][]float32
			want    error
		}{
			{good, nil, laion.ErrVector},
			{good, [][]float32{{1, 2}, {1, 2}}, laion.ErrVector},
			{good, [][]float32{{1}}, laion.ErrVector},
			{good, [][]float32{{1, nan}}, laion.ErrVector},
			{good, [][]float32{{65520, 0}}, laion.ErrVector},
			{map[string]any{"a": 1}, [][]float32{{1, 2}}, parquet.ErrPayload},
			{map[string]any{"": "x"}, [][]float32{{1, 2}}, parquet.ErrPayload},
			{map[string]any{"a": "x", "b": []byte("x")}, [][]float32{{1, 2}}, parquet.ErrPayload},
		} {
			if err := w.Append(test.payload, test.vectors...); !errors.Is(err, test.want) {
				t.Errorf("payload %v, vectors %v: error is %v, want %v", test.payload, test.vectors, err, test.want)
			}
		}
		if err := w.Append(good, []float32{65519, float32(i)}); err != nil {
			t.Fatal(err)
		}
		if err := w.Append(map[string]any{"a": true}, []float32{1, 0}); !errors.Is(err, parquet.ErrPayload) {
			t.Errorf("another type: error is %v, want %v", err, parquet.ErrPayload)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, shards[0], laion.Options{}, 10)
	if len(rows) != 2 || rows[0].Vector[0] != 65504 || rows[1].Vector[1] != 1 || len(rows[0].Payload) != 1 {
		t.Errorf("rows are %+v", rows)
	}
}

func TestWriterWithoutRowsLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, laion.WriterOptions{Dim: 2})
	if err := w.Append(nil, []float32{1}); err == nil {
		t.Error("a short vector was taken")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = create(t, dir, laion.WriterOptions{Dim: 2})
	if err := w.Append(map[string]any{"a": "x"}, []float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("files are %q, want none", got)
	}
}

func TestWriterResumes(t *testing.T) {
	dir := twoShards(t)
	if done, err := laion.Done(dir, laion.Image); err != nil || !slices.Equal(done, []int{0, 1}) {
		t.Fatalf("Done: %v, %v, want 0 and 1", done, err)
	}
	if done, err := laion.Done(dir, laion.Image, laion.Text); err != nil || len(done) != 0 {
		t.Errorf("Done with texts: %v, %v, want none", done, err)
	}
	if done, err := laion.Done(filepath.Join(dir, "none"), laion.Image); err != nil || len(done) != 0 {
		t.Errorf("Done of no folder: %v, %v, want none", done, err)
	}
	row := []float32{0, 0, 1, 0}
	w := create(t, dir, laion.WriterOptions{Dim: 4, First: 1})
	if err := w.Append(nil, row); !errors.Is(err, laion.ErrExists) {
		t.Errorf("a whole shard: error is %v, want %v", err, laion.ErrExists)
	}
	// A pair without its metadata, or with another pair's, is written again.
	cut(t, filepath.Join(dir, "img_emb", "img_emb_0001.npy"), 8)
	w = create(t, dir, laion.WriterOptions{Dim: 4, First: 1})
	if err := w.Append(map[string]any{"id": int64(77)}, row); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	if rows := read(t, shards[1], laion.Options{}, 9); len(rows) != 1 || rows[0].Payload["id"] != int64(77) {
		t.Errorf("rows are %+v", rows)
	}
}

// A writer that is killed at any moment leaves whole pairs and pairs that are
// no shards, and the next writer goes on.
func TestAKilledWriterLeavesNoHalfPair(t *testing.T) {
	if os.Getenv("LAION_DIR") != "" {
		writeUntilKilled(os.Getenv("LAION_DIR"))
		return
	}
	dir := t.TempDir()
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledWriterLeavesNoHalfPair$")
		child.Env = append(os.Environ(), "LAION_DIR="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		waitForShards(t, dir, 3*(round+1))
		time.Sleep(time.Duration(7*round) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait()
		shards, err := laion.List(dir, laion.Image)
		if err != nil && !errors.Is(err, laion.ErrNoShards) && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, s := range shards {
			if s.Err != nil {
				if !errors.Is(s.Err, laion.ErrNoMetadata) {
					t.Errorf("round %d: %v", round, s.Err)
				}
				continue
			}
			for i, row := range read(t, s, laion.Options{}, 100) {
				if want := fmt.Sprint(s.Number, " ", i); row.Payload["row"] != want || row.Vector[0] != float32(s.Number) || row.Vector[1] != float32(i) {
					t.Fatalf("shard %d, row %d is %+v", s.Number, i, row)
				}
			}
		}
	}
	done, err := laion.Done(dir, laion.Image)
	if err != nil || len(done) < 18 || done[len(done)-1] != len(done)-1 {
		t.Errorf("whole shards are %v, %v, want some without a gap", done, err)
	}
	if err := laion.Clean(vfs.OS{}, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, dir) {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is left", name)
		}
	}
}

// waitForShards waits until there are as many metadata files.
func waitForShards(t *testing.T, dir string, count int) {
	t.Helper()
	for range 3000 {
		found, err := filepath.Glob(filepath.Join(dir, "metadata", "metadata_*.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) >= count {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %d shards after half a minute", count)
}

// writeUntilKilled adds shards of 50 rows behind the finished ones.
func writeUntilKilled(dir string) {
	done, err := laion.Done(dir, laion.Image)
	if err != nil {
		panic(err)
	}
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: 8, RowsPerFile: 50, First: len(done)})
	if err != nil {
		panic(err)
	}
	for row := 0; ; row++ {
		v := make([]float32, 8)
		v[0], v[1] = float32(w.Shard()), float32(row%50)
		if err := w.Append(map[string]any{"row": fmt.Sprint(w.Shard(), " ", row%50)}, v); err != nil {
			panic(err)
		}
	}
}
