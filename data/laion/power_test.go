package laion_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"engram/data/laion"
	"engram/data/vfs/crashfs"
)

// writePairs writes two pairs of two rows, which carry a version.
func writePairs(fsys *crashfs.FS, dir string, version int64) error {
	w, err := laion.Create(fsys, dir, laion.WriterOptions{Dim: 2, RowsPerFile: 2, Float32: true})
	if err != nil {
		return err
	}
	for row := range int64(4) {
		if err := w.Append(map[string]any{"row": row, "version": version}, []float32{float32(row), float32(version)}); err != nil {
			return err
		}
	}
	return w.Close()
}

// checkPairs checks that each pair that is whole has the vectors of its metadata,
// and returns how many there are.
func checkPairs(t *testing.T, dir string) int {
	t.Helper()
	numbers, err := laion.Done(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	if len(numbers) == 0 {
		return 0
	}
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		if s.Err != nil {
			continue
		}
		r, err := laion.Open(s, laion.Options{})
		if err != nil {
			t.Fatal(err)
		}
		block := laion.NewBlock(4, 2)
		if n, err := r.Read(block); n != 2 || err != nil {
			t.Fatalf("shard %d has %d rows, %v", s.Number, n, err)
		}
		for i, row := range block.Rows[:2] {
			n, version := float32(2*s.Number+i), float32(row.Payload["version"].(int64))
			if row.Payload["row"] != int64(n) || row.Vector[0] != n || row.Vector[1] != version {
				t.Fatalf("row %d of shard %d has the payload %v and the vector %v", i, s.Number, row.Payload, row.Vector)
			}
		}
		r.Close()
	}
	return len(numbers)
}

// The power goes before each operation of a writer, also of one that replaces
// pairs whose embeddings are gone. A pair that is whole is one that was written
// together, and after Close all of them are there.
func TestAPowerLossLeavesNoMixedPair(t *testing.T) {
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	crashes := uint64(0)
	crash := func(want int) {
		for range 8 {
			crashes++
			left := t.TempDir()
			if err := fsys.Crash(left, rand.New(rand.NewPCG(crashes, 0))); err != nil {
				t.Fatal(err)
			}
			if n := checkPairs(t, left); n < want {
				t.Fatalf("%d pairs are left, want %d", n, want)
			}
		}
	}
	for version := range int64(2) {
		fsys.Before(func(crashfs.Op, string) error { crash(0); return nil })
		if err := writePairs(fsys, dir, version); err != nil {
			t.Fatal(err)
		}
		fsys.Before(nil)
		crash(2)
		for _, name := range []string{"img_emb_0000.npy", "img_emb_0001.npy"} {
			if err := fsys.Remove(filepath.Join(dir, "img_emb", name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := fsys.SyncDir(filepath.Join(dir, "img_emb")); err != nil {
			t.Fatal(err)
		}
	}
}
