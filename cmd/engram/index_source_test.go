package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/laion"
	"engram/data/npy"
	"engram/data/vfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/source"
)

// tarOf returns a tar of samples. files maps extensions to the files of a sample.
func tarOf(t *testing.T, keys []string, files func(key string) map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, key := range keys {
		for _, ext := range []string{"png", "txt", "json"} {
			content, found := files(key)[ext]
			if !found {
				continue
			}
			err := w.WriteHeader(&tar.Header{Name: key + "." + ext, Mode: 0o644, Size: int64(len(content))})
			if err == nil {
				_, err = w.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sampleFiles returns an image with caption and metadata that tell its key.
func sampleFiles(t *testing.T, photo string) func(key string) map[string][]byte {
	t.Helper()
	image, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	return func(key string) map[string][]byte {
		unsafe := "UNLIKELY"
		if strings.HasSuffix(key, "9") {
			unsafe = "NSFW"
		}
		files := map[string][]byte{
			"png": image, "txt": []byte("caption of " + key),
			"json": fmt.Appendf(nil, `{"url": "https://example.org/%s.png", "NSFW": %q, "width": 32}`, key, unsafe),
		}
		switch {
		case strings.HasPrefix(key, "empty"):
			delete(files, "png")
		case strings.HasPrefix(key, "broken"):
			files["png"] = []byte("no image")
		}
		return files
	}
}

func sampleKeys(first, n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("%05d", first+i))
	}
	return keys
}

// items returns all items of an index.
func items(t *testing.T, dir string) map[index.ID]index.Item {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	all := map[index.ID]index.Item{}
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[item.ID] = item
	}
	return all
}

// originOf returns where the items of the index in a folder came from.
func originOf(t *testing.T, dir string) (source.Origin, error) {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	all, err := source.ReadOrigins(t.Context(), store)
	if len(all) == 0 {
		return source.Origin{}, err
	}
	return all[0], err
}

// reasons returns the reasons by names, for what is bad or damaged.
func reasons(r *ingest.Report) map[string]string {
	found := map[string]string{}
	for _, bad := range r.Bad {
		found[bad.Name] = bad.Reason
	}
	for _, s := range r.PerShard {
		if s.Damaged != "" {
			found[s.Name] = s.Damaged
		}
	}
	return found
}

// wantReasons checks that just these things are bad or damaged, and why.
func wantReasons(t *testing.T, r *ingest.Report, want map[string]string) {
	t.Helper()
	got := reasons(r)
	for name, reason := range want {
		if !strings.Contains(got[name], reason) {
			t.Errorf("%s: reason is %q, want one with %q", name, got[name], reason)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("these are bad or damaged as well: %v", got)
	}
}

func TestIndexOfTars(t *testing.T) {
	c := newCLI(t)
	files := sampleFiles(t, filepath.Join(writePhotos(t), "p12.png"))
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "index")
	whole := tarOf(t, sampleKeys(0, 10), files)
	writeFile(t, filepath.Join(dir, "0.tar"), whole)
	writeFile(t, filepath.Join(dir, "1.tar"), tarOf(t, append(sampleKeys(100, 5), "00100", "empty", "broken"), files))
	writeFile(t, filepath.Join(dir, "2.tar"), whole[:len(whole)/2])
	writeFile(t, filepath.Join(dir, "3.tar"), []byte("no tar"))
	writeFile(t, filepath.Join(dir, "4.tar"), tarOf(t, sampleKeys(400, 3), files))
	writeFile(t, filepath.Join(dir, "4_stats.json"), []byte(`{"count": 9, "successes": 4, "failed_to_download": 5, "failed_to_resize": 0, "duration": 1, "start_time": 0, "end_time": 1, "status_dict": {}}`))
	var r ingest.Report
	c.json(&r, "index", "build", dir, "--out", out)
	wantReasons(t, &r, map[string]string{
		"1.tar/00100": "comes twice", "1.tar/empty": "no image", "1.tar/broken": "wanted JPEG",
		"2.tar": "truncated", "3.tar": "tar is", "4.tar": "3 samples, 4 successes",
	})
	if r.Shards != 5 || r.Damaged != 3 || r.Stored != len(items(t, out)) || r.Stored < 18 {
		t.Errorf("report is %+v with %d items, want 5 shards, 3 of them damaged", r, len(items(t, out)))
	}
	for _, item := range items(t, out) {
		key := item.Payload["key"].(string)
		if item.Payload["caption"] != "caption of "+key || item.Payload["url"] != "https://example.org/"+key+".png" || item.Payload["width"] != int64(32) {
			t.Errorf("payload of %s is %v", key, item.Payload)
		}
	}
	before := items(t, out)

	// The damaged tar is whole now, and a shard is gone. A pattern names the same
	// source.
	writeFile(t, filepath.Join(dir, "2.tar"), whole)
	if err := os.Remove(filepath.Join(dir, "4.tar")); err != nil {
		t.Fatal(err)
	}
	r = ingest.Report{}
	c.json(&r, "index", "build", filepath.Join(dir, "{0..3}.tar"), "--out", out, "--prune")
	if r.Finished != 1 || r.Skipped != 3 || r.Deleted != 3 || len(r.Bad) != 0 {
		t.Errorf("second run: %+v, want one shard finished, three skipped, three rows deleted", r)
	}
	after := items(t, out)
	if len(after) != 10+5+10 {
		t.Errorf("%d items after the second run, want 25", len(after))
	}
	for id, item := range before {
		if shard := item.Payload["shard"]; shard != "4.tar" {
			if diff := cmp.Diff(item, after[id]); diff != "" {
				t.Errorf("an item of %v has changed (-before +after):\n%s", shard, diff)
			}
		}
	}
	r = ingest.Report{}
	c.json(&r, "index", "build", dir, "--out", out, "--exclude-unsafe", "--where", `{"not": {"key": "key", "equal": "00001"}}`)
	if r.Excluded != 2+2 || r.Deleted != 2+2 || r.Encoded != 0 {
		t.Errorf("with filters: %+v, want key 00001 and 00009 of two tars left out, deleted, and nothing encoded", r)
	}
}

// writeLAION writes shards of four rows of three elements: row i of shard s
// points from (1, s, 0) towards (1, s, i).
func writeLAION(t *testing.T, dir string, shards int) {
	t.Helper()
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: 3, RowsPerFile: 4})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 * shards {
		v, err := index.Unit([]float32{1, float32(i / 4), float32(i % 4)}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if i%4 == 2 {
			v[0], v[1], v[2] = 3*v[0], 3*v[1], 3*v[2]
		}
		nsfw := "UNLIKELY"
		if i%4 == 3 {
			nsfw = "NSFW"
		}
		if err := w.Append(map[string]any{"url": fmt.Sprint("u", i), "caption": fmt.Sprint("row ", i), "NSFW": nsfw}, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIndexOfEmbeddings(t *testing.T) {
	c := newCLI(t)
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "index")
	writeLAION(t, dir, 6)
	vectors := func(shard int) string { return filepath.Join(dir, "img_emb", fmt.Sprintf("img_emb_%04d.npy", shard)) }
	metadata := func(shard int) string {
		return filepath.Join(dir, "metadata", fmt.Sprintf("metadata_%04d.parquet", shard))
	}
	rewrite := func(path string, shape []int, data []float32) {
		t.Helper()
		if err := npy.WriteFile(path, shape, data); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(metadata(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(metadata(1)); err != nil {
		t.Fatal(err)
	}
	rewrite(vectors(2), []int{3, 3}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1})              // one row less than the metadata
	rewrite(vectors(3), []int{4, 2}, []float32{1, 0, 1, 0, 1, 0, 1, 0})                 // another dimension
	rewrite(vectors(4), []int{4, 3}, []float32{1, 0, 0, nan(), 0, 0, 0, 0, 0, 0, 0, 2}) // two unusable rows, one too long
	writeFile(t, metadata(5), []byte("no parquet"))
	var r ingest.Report
	c.json(&r, "index", "build", dir, "--out", out)
	wantReasons(t, &r, map[string]string{
		"img_emb/img_emb_0001.npy": "no metadata file", "img_emb/img_emb_0002.npy": "row counts differ",
		"img_emb/img_emb_0003.npy": "dimensions differ", "img_emb/img_emb_0005.npy": "unusable file",
		"img_emb/img_emb_0004.npy row 1": "NaN", "img_emb/img_emb_0004.npy row 2": "zero",
	})
	if r.Stored != 4+2 || r.Rescaled != 1+1 || r.Damaged != 4 {
		t.Errorf("report is %+v, want 6 rows stored, 2 of them rescaled, 4 shards damaged", r)
	}
	for _, item := range items(t, out) {
		var row int
		if _, err := fmt.Sscanf(item.Payload["caption"].(string), "row %d", &row); err != nil {
			t.Fatal(err)
		}
		want, err := index.Unit([]float32{1, float32(row / 4), float32(row % 4)}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if row/4 == 0 && !near(item.Vector, want) || item.Payload["url"] != fmt.Sprint("u", row) {
			t.Errorf("row %d has the vector %v and the payload %v, want %v", row, item.Vector, item.Payload, want)
		}
	}

	writeFile(t, metadata(1), kept)
	r = ingest.Report{}
	c.json(&r, "index", "build", dir, "--out", out, "--exclude-unsafe")
	if r.Stored != 3+3+1 || r.Excluded != 3 || r.Deleted != 2 {
		t.Errorf("without unsafe rows: %+v, want three rows of shards 0 and 1 and one of 4, and two deleted", r)
	}
	c.refuse([]string{"have 3 elements, those of model pixels 1 1024"}, "index", "build", dir, "--out", filepath.Join(t.TempDir(), "x"), "--model", "pixels")
	c.refuse([]string{"none of the 6 shards", "text_emb_0.npy"}, "index", "build", dir, "--out", filepath.Join(t.TempDir(), "x"), "--embeddings", "text")
}

func nan() float32 {
	zero := float32(0)
	return zero / zero
}

// near reports whether half precision makes the difference between vectors.
func near(a, b []float32) bool {
	for i := range a {
		if d := a[i] - b[i]; d > 1e-3 || d < -1e-3 {
			return false
		}
	}
	return true
}

func TestIndexOfTables(t *testing.T) {
	c := newCLI(t)
	raw, err := os.ReadFile("../../data/parquet/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var tables []struct {
		Name string
		File []byte
	}
	if err := json.Unmarshal(raw, &tables); err != nil {
		t.Fatal(err)
	}
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "index")
	for _, table := range tables {
		switch table.Name {
		case "list of float16, pages 1.0, large":
			writeFile(t, filepath.Join(dir, "0.parquet"), table.File)
		case "unusable rows {}":
			writeFile(t, filepath.Join(dir, "1.parquet"), table.File)
		case "bytes <f4 {}":
			writeFile(t, filepath.Join(dir, "2.parquet"), table.File)
		}
	}
	var r ingest.Report
	c.json(&r, "index", "build", dir, "--out", out)
	if r.Shards != 3 || r.Stored == 0 || r.Stored != len(items(t, out)) || r.Unusable == 0 {
		t.Errorf("report is %+v with %d items, want three shards and unusable rows", r, len(items(t, out)))
	}
	if reason := reasons(&r)["2.parquet"]; !strings.Contains(reason, "no embeddings") {
		t.Errorf("2.parquet: reason is %q", reason)
	}
}

func TestIndexOfScenes(t *testing.T) {
	c := newCLI(t)
	out := filepath.Join(t.TempDir(), "index")
	var r ingest.Report
	c.json(&r, "index", "build", "scenes:20?size=64", "--out", out)
	before := items(t, out)
	c.json(&r, "index", "build", "scenes:30?size=64", "--out", out)
	after := items(t, out)
	if len(before) != 20 || len(after) != 30 || r.Stored != 30 {
		t.Fatalf("%d items, then %d, report %+v", len(before), len(after), r)
	}
	for id, item := range before {
		if captions, _ := item.Payload["captions"].([]string); len(captions) != 3 {
			t.Errorf("payload is %v, want three captions", item.Payload)
		}
		if diff := cmp.Diff(item, after[id]); diff != "" {
			t.Errorf("a scene has changed (-before +after):\n%s", diff)
		}
	}
	c.refuse([]string{"is the index of scenes:seed=1&size=64", "wanted that of scenes:seed=2"}, "index", "build", "scenes:20?seed=2&size=64", "--out", out)
	c.refuse([]string{`"colour" is neither seed nor size`}, "index", "build", "scenes:20?colour=red", "--out", out)
}

func TestDryRunStoresNothing(t *testing.T) {
	c := newCLI(t)
	source, out := t.TempDir(), filepath.Join(t.TempDir(), "index")
	writeLAION(t, source, 3)
	var e ingest.Estimate
	c.json(&e, "index", "build", source, "--dry-run")
	if e.Shards != 3 || e.Rows != 12 || e.Guessed || e.Sampled != 12 || e.Disk == 0 || e.Memory == 0 || e.Rate == 0 {
		t.Errorf("estimate is %+v, want 3 shards of 12 rows, all sampled", e)
	}
	c.json(&e, "index", "build", source, "--dry-run", "--out", out)
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a dry run left %s (%v)", out, err)
	}
	c.must("index", "build", source, "--out", out)
	if stdout := c.must("index", "build", source, "--dry-run", "--out", out); !strings.Contains(stdout, "shards  0 to read, 3 unchanged\n") {
		t.Errorf("after a build, a dry run prints %q", stdout)
	}
	files := sampleFiles(t, filepath.Join(writePhotos(t), "p12.png"))
	tars := t.TempDir()
	for i := range 3 {
		writeFile(t, filepath.Join(tars, fmt.Sprintf("%d.tar", i)), tarOf(t, sampleKeys(0, 8), files))
	}
	c.json(&e, "index", "build", tars, "--dry-run")
	if e.Rows != 24 || !e.Guessed || e.Sampled == 0 {
		t.Errorf("estimate of tars is %+v, want about 24 rows", e)
	}
	writeFile(t, filepath.Join(tars, "notes.odt"), nil)
	if stdout := c.must("index", "build", tars, "--dry-run"); !strings.HasPrefix(stdout, "left out: 1 file (.odt 1)\n") {
		t.Errorf("a dry run prints %q, want what it leaves out", stdout)
	}
}
