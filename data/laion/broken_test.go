package laion_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"engram/data/laion"
	"engram/data/npy"
	"engram/data/parquet"
	"engram/data/vfs"
)

// twoShards makes a folder of two shards of 5 rows of 4 elements.
func twoShards(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: 4, RowsPerFile: 5})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := w.Append(map[string]any{"id": int64(i)}, []float32{1, 0, 0, float32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// cut shortens a file by some bytes.
func cut(t testing.TB, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-by); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// flip changes one byte of a file.
func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{one[0] ^ 0x55}, at); err != nil {
		t.Fatal(err)
	}
}

// array writes an npy file of rows × dim.
func array(t testing.TB, path string, rows, dim int, data any) {
	t.Helper()
	if err := npy.WriteFile(path, []int{rows, dim}, data); err != nil {
		t.Fatal(err)
	}
}

// What is wrong with a shard is found when it is listed, named, and leaves the
// other shards alone.
func TestListNamesWhatIsWrong(t *testing.T) {
	const vectors, metadata = "img_emb/img_emb_0001.npy", "metadata/metadata_0001.parquet"
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, vectors, metadata string)
		want  error
	}{
		{"truncated npy", func(t *testing.T, v, _ string) { cut(t, v, 1) }, laion.ErrFormat},
		{"npy cut within the header", func(t *testing.T, v, _ string) { cut(t, v, 100) }, laion.ErrFormat},
		{"no npy at all", func(t *testing.T, v, _ string) { put(t, v, nil) }, laion.ErrFormat},
		{"npy header lies", func(t *testing.T, v, _ string) { flip(t, v, 60) }, laion.ErrFormat},
		{"bytes behind the npy", func(t *testing.T, v, _ string) { cut(t, v, -3) }, laion.ErrFormat},
		{"integers", func(t *testing.T, v, _ string) { array(t, v, 5, 4, make([]int32, 20)) }, laion.ErrFormat},
		{"a vector and no rows", func(t *testing.T, v, _ string) {
			if err := npy.WriteFile(v, []int{20}, make([]float32, 20)); err != nil {
				t.Fatal(err)
			}
		}, laion.ErrFormat},
		{"truncated parquet", func(t *testing.T, _, m string) { cut(t, m, 10) }, laion.ErrFormat},
		{"parquet footer too long", func(t *testing.T, _, m string) { end(t, m, "\xff\xff\xff\x7fPAR1") }, laion.ErrFormat},
		{"parquet footer empty", func(t *testing.T, _, m string) { end(t, m, "\x00\x00\x00\x00PAR1") }, laion.ErrFormat},
		{"parquet is something else", func(t *testing.T, _, m string) { put(t, m, []byte("caption,url\na,b\n")) }, laion.ErrFormat},
		{"more vectors than metadata", func(t *testing.T, v, _ string) { array(t, v, 6, 4, make([]float32, 24)) }, laion.ErrRows},
		{"fewer vectors than metadata", func(t *testing.T, v, _ string) { array(t, v, 0, 4, []float32{}) }, laion.ErrRows},
		{"another dimension", func(t *testing.T, v, _ string) { array(t, v, 5, 3, make([]float32, 15)) }, laion.ErrDim},
		{"no metadata", func(t *testing.T, _, m string) { remove(t, m) }, laion.ErrNoMetadata},
		{"no vectors", func(t *testing.T, v, _ string) { remove(t, v) }, laion.ErrNoVectors},
		{"vectors twice", func(t *testing.T, v, _ string) {
			array(t, filepath.Join(filepath.Dir(v), "img_emb_1.npy"), 5, 4, make([]float32, 20))
		}, laion.ErrTwice},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := twoShards(t)
			test.spoil(t, filepath.Join(dir, vectors), filepath.Join(dir, metadata))
			shards, err := laion.List(dir, laion.Image)
			if err != nil {
				t.Fatal(err)
			}
			if len(shards) < 2 || shards[0].Err != nil || shards[0].Rows != 5 {
				t.Fatalf("%d shards, the first is %+v, want it whole", len(shards), shards[0])
			}
			last := shards[len(shards)-1]
			if !errors.Is(last.Err, test.want) || last.Number != 1 {
				t.Errorf("the last shard has the error %v, want %v", last.Err, test.want)
			}
			if _, err := laion.Open(last, laion.Options{}); !errors.Is(err, test.want) {
				t.Errorf("Open: %v, want %v", err, test.want)
			}
		})
	}
}

// end overwrites the end of a file.
func end(t testing.TB, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, append(content[:len(content)-len(text)], text...))
}

func TestListOfNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "img_emb_x.npy"), nil)
	if _, err := laion.List(dir, laion.Image); !errors.Is(err, laion.ErrNoShards) {
		t.Errorf("error is %v, want %v", err, laion.ErrNoShards)
	}
	if _, err := laion.ListParquet(dir, parquet.VectorOptions{}); !errors.Is(err, laion.ErrNoShards) {
		t.Errorf("ListParquet: error is %v, want %v", err, laion.ErrNoShards)
	}
	if _, err := laion.List(filepath.Join(dir, "none"), laion.Image); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want %v", err, os.ErrNotExist)
	}
}

// Vectors without metadata can be read alone.
func TestVectorsAreGoodWithoutMetadata(t *testing.T) {
	dir := twoShards(t)
	remove(t, filepath.Join(dir, "metadata", "metadata_0001.parquet"))
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, shards[1], laion.Options{NoPayload: true}, 2)
	if len(rows) != 5 || rows[4].Vector[3] != 9 {
		t.Errorf("rows are %v", rows)
	}
}

// A file that changes between List and Open is noticed.
func TestOpenChecksAgain(t *testing.T) {
	dir := twoShards(t)
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	array(t, shards[0].Vectors.Path, 6, 4, make([]float32, 24))
	if _, err := laion.Open(shards[0], laion.Options{}); !errors.Is(err, laion.ErrFormat) {
		t.Errorf("error is %v, want %v", err, laion.ErrFormat)
	}
	remove(t, shards[1].Metadata.Path)
	if _, err := laion.Open(shards[1], laion.Options{}); !errors.Is(err, laion.ErrFormat) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want %v", err, laion.ErrFormat)
	}
}

// Rows that are not finite are bad, the others are not; lengths tell vectors
// that are not of unit length.
func TestRowsSayWhichVectorsAreBad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "laion")
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	w := create(t, dir, laion.WriterOptions{Dim: 4, First: 1})
	for i := range 6 {
		if err := w.Append(map[string]any{"id": int64(5 + i)}, make([]float32, 4)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	array(t, filepath.Join(dir, "img_emb", "img_emb_0001.npy"), 6, 4,
		[]float32{1, 0, 0, 0, nan, 0, 0, 0, 0, 0, 0, inf, 0, 0, 0, 0, 3e38, 3e38, -3e38, 4, 0, 1e-40, 0, 0})
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, shards[0], laion.Options{}, 4)
	for i, norm := range []float64{1, -1, -1, 0, 3e38 * math.Sqrt(3), 1e-40} {
		row := rows[i]
		if row.Payload["id"] != int64(5+i) {
			t.Errorf("row %d has the payload %v", i, row.Payload)
		}
		if norm < 0 {
			if !errors.Is(row.Err, laion.ErrVector) {
				t.Errorf("row %d: error is %v, want %v", i, row.Err, laion.ErrVector)
			}
			continue
		}
		if row.Err != nil || math.Abs(row.Norm-norm) > 1e-5*norm {
			t.Errorf("row %d: norm is %g, %v, want %g", i, row.Norm, row.Err, norm)
		}
	}
}

// Damage is an error, not a wrong row, also within the pages of the metadata:
// the writer gives them checksums.
func TestDamagedMetadataGivesNoWrongRow(t *testing.T) {
	dir := twoShards(t)
	path := filepath.Join(dir, "metadata", "metadata_0001.parquet")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	footer := int(binary.LittleEndian.Uint32(content[len(content)-8:]))
	noticed := 0
	for at := range len(content) - footer - 8 {
		spoiled := append([]byte(nil), content...)
		spoiled[at] ^= 0x55
		put(t, path, spoiled)
		if err := readSecond(t, dir); errors.Is(err, laion.ErrFormat) {
			noticed++
		} else if err != nil {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	if noticed < 30 {
		t.Errorf("%d of the damaged files were noticed, want more", noticed)
	}
}

// readSecond reads the second shard and compares its ids.
func readSecond(t *testing.T, dir string) error {
	t.Helper()
	shards, err := laion.List(dir, laion.Image)
	if err != nil {
		return err
	}
	rows, err := laion.Open(shards[1], laion.Options{})
	if err != nil {
		return err
	}
	defer rows.Close()
	block := laion.NewBlock(8, 4)
	if n, err := rows.Read(block); err != nil {
		return err
	} else if n != 5 {
		return fmt.Errorf("%d rows, want 5", n)
	}
	for i, row := range block.Rows {
		if row.Payload["id"] != int64(5+i) {
			return fmt.Errorf("row %d has the payload %v", i, row.Payload)
		}
	}
	return nil
}
