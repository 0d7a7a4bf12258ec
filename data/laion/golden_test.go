package laion_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/laion"
	"engram/data/parquet"
	"engram/data/vfs"
)

// keep makes TestWriterAgreesWithNumPy leave its files for scripts/check_laion.py.
var keep = flag.String("keep", "", "folder for what the writer writes")

// folder is one in clip-retrieval's layout, written by NumPy and PyArrow
// (scripts/golden_laion.py).
type folder struct {
	Name   string
	Dtype  string
	Dim    int
	Digits int // of the numbers in the files' names, at least
	Shards []goldenShard
	Files  map[string][]byte
}

type goldenShard struct {
	Number      int
	Image, Text [][]string // hexadecimal floats
	Payloads    map[string][]map[string]string
}

func goldens(t testing.TB) []folder {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []folder
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// place writes the files of a golden folder.
func (f folder) place(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f.Files {
		put(t, filepath.Join(dir, name), content)
	}
	return dir
}

func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// value returns a payload value from its tagged form.
func value(t testing.TB, tagged map[string]string) any {
	t.Helper()
	var err error
	var v any
	for tag, text := range tagged {
		switch tag {
		case "s":
			v = text
		case "i":
			v, err = strconv.ParseInt(text, 10, 64)
		case "f":
			v, err = strconv.ParseFloat(text, 64)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// read returns all rows of a shard, copied, from blocks of some size.
func read(t testing.TB, s laion.Shard, o laion.Options, size int) []laion.Row {
	t.Helper()
	rows, err := laion.Open(s, o)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []laion.Row
	block := laion.NewBlock(size, s.Dim)
	for {
		n, err := rows.Read(block)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if n != len(block.Rows) {
			t.Fatalf("Read returns %d, the block has %d rows", n, len(block.Rows))
		}
		for _, row := range block.Rows {
			row.Vector = append([]float32(nil), row.Vector...)
			all = append(all, row)
		}
	}
}

func TestRowsAgreeWithNumPyAndPyArrow(t *testing.T) {
	for _, g := range goldens(t) {
		dir := g.place(t)
		for _, set := range []laion.Set{laion.Image, laion.Text} {
			t.Run(g.Name+" "+string(set), func(t *testing.T) {
				shards, err := laion.List(dir, set)
				if err != nil {
					t.Fatal(err)
				}
				if len(shards) != len(g.Shards) {
					t.Fatalf("%d shards, want %d", len(shards), len(g.Shards))
				}
				for i, want := range inOrder(g.Shards) {
					vectors := want.Image
					if set == laion.Text {
						vectors = want.Text
					}
					checkShard(t, g, shards[i], want, vectors)
				}
			})
		}
	}
}

// inOrder returns the shards by number.
func inOrder(shards []goldenShard) []goldenShard {
	var out []goldenShard
	for number := range 100 {
		for _, s := range shards {
			if s.Number == number {
				out = append(out, s)
			}
		}
	}
	return out
}

func checkShard(t *testing.T, g folder, s laion.Shard, want goldenShard, vectors [][]string) {
	t.Helper()
	if s.Err != nil || s.Number != want.Number || s.Rows != len(vectors) || s.Dim != g.Dim || s.Type != g.Dtype {
		t.Fatalf("shard is %+v, want number %d of %d rows, %d × %s", s, want.Number, len(vectors), g.Dim, g.Dtype)
	}
	if info, err := os.Stat(s.Vectors.Path); err != nil || info.Size() != s.Vectors.Size || !info.ModTime().Equal(s.Vectors.ModTime) {
		t.Errorf("%+v is not what the file system says: %v, %v", s.Vectors, info, err)
	}
	for _, size := range []int{1, 3, 100} {
		rows := read(t, s, laion.Options{}, size)
		if len(rows) != len(vectors) {
			t.Fatalf("%d rows, want %d", len(rows), len(vectors))
		}
		for i, row := range rows {
			checkRow(t, row, vectors[i], want, i)
		}
	}
}

func checkRow(t *testing.T, row laion.Row, vector []string, want goldenShard, i int) {
	t.Helper()
	if row.Err != nil || row.Norm < 0.998 || row.Norm > 1.002 {
		t.Errorf("row %d: norm %g, error %v, want a unit vector", i, row.Norm, row.Err)
	}
	for k, text := range vector {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if row.Vector[k] != float32(x) {
			t.Fatalf("row %d, element %d is %g, want %g", i, k, row.Vector[k], x)
		}
	}
	payload := map[string]any{}
	for name, values := range want.Payloads {
		payload[name] = value(t, values[i])
	}
	if diff := cmp.Diff(payload, row.Payload); diff != "" {
		t.Errorf("row %d: (-want +got)\n%s", i, diff)
	}
}

func TestOpenReadsWhatIsWanted(t *testing.T) {
	shards, err := laion.List(goldens(t)[0].place(t), laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range read(t, shards[0], laion.Options{Columns: []string{"width", "NSFW"}}, 10) {
		_, isInt := row.Payload["width"].(int64)
		_, isText := row.Payload["NSFW"].(string)
		if len(row.Payload) != 2 || !isInt || !isText {
			t.Errorf("payload is %v, want width and NSFW", row.Payload)
		}
	}
	for _, row := range read(t, shards[0], laion.Options{NoPayload: true}, 10) {
		if row.Payload != nil {
			t.Errorf("payload is %v, want none", row.Payload)
		}
	}
	if _, err := laion.Open(shards[0], laion.Options{Columns: []string{"url"}}); !errors.Is(err, parquet.ErrColumn) {
		t.Errorf("error is %v, want %v", err, parquet.ErrColumn)
	}
}

func TestListTakesPatternsAndTheSetsFolder(t *testing.T) {
	g := goldens(t)[0]
	dir := g.place(t)
	for _, place := range []string{dir, filepath.Join(dir, "img_emb"), filepath.Join(dir, "img_emb", "img_emb_*.npy"), filepath.Join(dir, "*", "*")} {
		shards, err := laion.List(place, laion.Image)
		if err != nil {
			t.Fatal(err)
		}
		if len(shards) != len(g.Shards) {
			t.Errorf("%s: %d shards, want %d", place, len(shards), len(g.Shards))
		}
		for _, s := range shards {
			if s.Err != nil {
				t.Errorf("%s: %v", place, s.Err)
			}
		}
	}
	// A folder whose name looks like a pattern is a folder.
	odd := filepath.Join(t.TempDir(), "laion [1]*")
	for name, content := range g.Files {
		put(t, filepath.Join(odd, name), content)
	}
	shards, err := laion.List(odd, laion.Text)
	if err != nil || len(shards) != len(g.Shards) {
		t.Errorf("%d shards, %v, want %d", len(shards), err, len(g.Shards))
	}
}

// What is read from a folder and written again has the bytes that NumPy wrote,
// and the values that PyArrow wrote.
func TestWriterAgreesWithNumPy(t *testing.T) {
	for i, g := range goldens(t) {
		if g.Dtype == "float64" {
			continue
		}
		t.Run(g.Name, func(t *testing.T) {
			dir, out := g.place(t), t.TempDir()
			if *keep != "" {
				out = filepath.Join(*keep, strconv.Itoa(i))
			}
			images, err := laion.List(dir, laion.Image)
			if err != nil {
				t.Fatal(err)
			}
			texts, err := laion.List(dir, laion.Text)
			if err != nil {
				t.Fatal(err)
			}
			for k, want := range inOrder(g.Shards) {
				if images[k].Rows == 0 {
					continue // a writer makes no shard without rows
				}
				rewrite(t, g, out, images[k], texts[k])
				for _, s := range []laion.Shard{images[k], texts[k]} {
					set, _, _ := strings.Cut(s.Name, "emb_")
					same(t, s.Vectors.Path, filepath.Join(out, set+"emb", s.Name))
				}
				checkRewritten(t, g, out, want)
			}
		})
	}
}

// rewrite reads a shard of both sets and writes it to another folder.
func rewrite(t *testing.T, g folder, out string, image, text laion.Shard) {
	t.Helper()
	w, err := laion.Create(vfs.OS{}, out, laion.WriterOptions{
		Dim: g.Dim, Sets: []laion.Set{laion.Image, laion.Text}, Float32: g.Dtype == "float32",
		First: image.Number, Shards: int(math.Pow10(g.Digits - 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	captions := read(t, text, laion.Options{NoPayload: true}, 10)
	for i, row := range read(t, image, laion.Options{}, 10) {
		if err := w.Append(row.Payload, row.Vector, captions[i].Vector); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// same compares two files.
func same(t *testing.T, want, got string) {
	t.Helper()
	a, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(got)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("%s differs from NumPy's: %v", got, err)
	}
}

func checkRewritten(t *testing.T, g folder, out string, want goldenShard) {
	t.Helper()
	shards, err := laion.List(out, laion.Image)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(shards, func(s laion.Shard) bool { return s.Number == want.Number })
	if i < 0 {
		t.Fatalf("shard %d is not there", want.Number)
	}
	checkShard(t, g, shards[i], want, want.Image)
}
