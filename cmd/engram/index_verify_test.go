package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/laion"
	"engram/data/npy"
	"engram/data/vfs"
	"engram/index"
	"engram/index/local"
	"engram/index/qdrant/double"
	"engram/index/verify"
)

// failedChecks verifies an index and returns the names of the checks that
// failed, and what is said of them.
func failedChecks(t *testing.T, c *cli, args ...string) (names string, details []string) {
	t.Helper()
	stdout, stderr, status := c.run(append([]string{"index", "verify"}, args...)...)
	var failed []string
	for line := range strings.Lines(stdout) {
		if fields := strings.Fields(line); fields[0] == string(verify.Failed) {
			failed, details = append(failed, fields[1]), append(details, line)
		}
	}
	if wrong := len(failed) > 0; wrong != (status == 1) || wrong != strings.Contains(stderr, "failed the check") {
		t.Errorf("status %d, stderr %q, with failed %v:\n%s", status, stderr, failed, stdout)
	}
	return strings.Join(failed, " "), details
}

func TestVerifyFindsDamage(t *testing.T) {
	c := newCLI(t)
	photos := writePhotos(t)
	newIndex := func() string {
		out := filepath.Join(t.TempDir(), "index")
		c.must("index", "build", photos, "--out", out)
		return out
	}
	sound := newIndex()
	var r verify.Report
	c.json(&r, "index", "verify", sound)
	if r.Items != 16 || len(r.Checks) != 8 || len(r.Digest) != 64 {
		t.Errorf("report %+v, want 16 items and 8 checks", r)
	}
	for _, check := range r.Checks {
		if check.Outcome != verify.OK {
			t.Errorf("a sound index: %+v", check)
		}
	}

	swapped := newIndex()
	store, err := local.Open(swapped)
	if err != nil {
		t.Fatal(err)
	}
	var items []index.Item
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	items[3].Vector, items[4].Vector = items[4].Vector, items[3].Vector
	if err := store.Upsert(t.Context(), items[3:5]); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if names, details := failedChecks(t, c, swapped); names != "originals" || !strings.Contains(details[0], "2 wrong") {
		t.Errorf("with two vectors swapped %q failed: %q, want originals, 2 wrong", names, details)
	}

	files, err := filepath.Glob(filepath.Join(sound, "*.seg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("segments %v, error %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 4
	writeFile(t, files[0], raw)
	if names, _ := failedChecks(t, c, sound); !strings.HasPrefix(names, "files") {
		t.Errorf("with one bit of a segment changed %q failed, want files", names)
	}
}

// An image that changed is no fault of the index.
func TestVerifyPassesOverChangedImages(t *testing.T) {
	c := newCLI(t)
	photos, out := writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out)
	writePNG(t, filepath.Join(photos, "p11.png"), 1, 2)
	if err := os.Remove(filepath.Join(photos, "p22.png")); err != nil {
		t.Fatal(err)
	}
	stdout := c.must("index", "verify", out)
	if !strings.Contains(stdout, "14 sampled ones") || !strings.Contains(stdout, "2 gone or changed") {
		t.Errorf("verify prints\n%s\nwant 14 images checked and 2 gone or changed", stdout)
	}
}

// Vectors are made again from the source of the index, be it scenes or embeddings.
// A row of embeddings that has moved is found.
func TestVerifyKnowsEverySource(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	drawn, embeddings, loaded := filepath.Join(dir, "drawn"), filepath.Join(dir, "embeddings"), filepath.Join(dir, "loaded")
	c.must("index", "build", "scenes:24?seed=3&size=32", "--out", drawn)
	c.must("embed", "scenes:24?seed=3&size=32", "--out", embeddings)
	c.must("index", "build", embeddings, "--out", loaded)
	for _, index := range []string{drawn, loaded} {
		if out := c.must("index", "verify", index); !strings.Contains(out, "24 sampled ones, made again") || !strings.Contains(out, "0 gone or changed") {
			t.Errorf("verify %s prints\n%s\nwant 24 made again", index, out)
		}
	}
	file := filepath.Join(embeddings, "img_emb", "img_emb_0000.npy")
	array, err := npy.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values, d := array.Float32s(), array.Shape[1]
	writeNPY(t, file, append(values[d:], values[:d]...), array.Shape...)
	if names, details := failedChecks(t, c, loaded); names != "originals" || !strings.Contains(details[0], "24 wrong") {
		t.Errorf("with rows moved by one %q failed: %q, want originals, 24 wrong", names, details)
	}
}

// Where a source has several sets of vectors, items are compared with the set that
// the index was made from, and with no other.
func TestVerifyKnowsTheSet(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	source, out, images := filepath.Join(dir, "source"), filepath.Join(dir, "text"), filepath.Join(dir, "images")
	w, err := laion.Create(vfs.OS{}, source, laion.WriterOptions{Dim: 4, Sets: []laion.Set{laion.Image, laion.Text}, RowsPerFile: 8})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		image, text := make([]float32, 4), make([]float32, 4)
		image[i%4], text[(i+1)%4] = 1, 1
		if err := w.Append(map[string]any{"caption": fmt.Sprint("row ", i)}, image, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	collection := startQdrant(t, double.Options{}) + "/text"
	c.must("index", "build", source, "--embeddings", "text", "--out", out)
	c.must("index", "build", source, "--out", images)
	c.must("index", "copy", out, collection)
	for _, index := range []string{out, images, collection} {
		if text := c.must("index", "verify", index); !strings.Contains(text, "24 sampled ones, made again") || !strings.Contains(text, "0 gone or changed") {
			t.Errorf("verify %s prints\n%s\nwant 24 made again", index, text)
		}
	}
	c.refuse([]string{"is the index of text_emb of " + source + ", wanted that of " + source}, "index", "build", source, "--out", out)
	c.refuse([]string{"is the index of text_emb of " + source}, "index", "copy", images, collection)

	file := filepath.Join(source, "text_emb", "text_emb_0001.npy")
	array, err := npy.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := array.Float32s()
	writeNPY(t, file, append(values[4:], values[:4]...), array.Shape...)
	if names, details := failedChecks(t, c, out); names != "originals" || !strings.Contains(details[0], "8 wrong") {
		t.Errorf("with rows of a file moved by one %q failed: %q, want originals, 8 wrong", names, details)
	}
	c.must("index", "verify", images)

	// Metadata that have moved against the vectors are found, too.
	metadata := func(shard int) string {
		return filepath.Join(source, "metadata", fmt.Sprintf("metadata_%04d.parquet", shard))
	}
	raw, err := os.ReadFile(metadata(0))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, metadata(2), raw)
	if names, details := failedChecks(t, c, images); names != "originals" || !strings.Contains(details[0], "8 wrong") || !strings.Contains(details[0], "another payload than its original") {
		t.Errorf("with the metadata of another file %q failed: %q, want originals, 8 wrong", names, details)
	}
}

// An index whose source is away is checked as far as it can be.
func TestVerifyWithoutTheSource(t *testing.T) {
	c := newCLI(t)
	photos, out := writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out)
	if err := os.RemoveAll(photos); err != nil {
		t.Fatal(err)
	}
	if text := c.must("index", "verify", out); !strings.Contains(text, "skipped  originals") || !strings.Contains(text, photos) {
		t.Errorf("verify prints\n%s\nwant the originals skipped, with the folder", text)
	}
}

func TestIndexVerifyRefuses(t *testing.T) {
	c := newCLI(t)
	out := filepath.Join(t.TempDir(), "index")
	c.must("index", "build", writePhotos(t), "--out", out)
	c.refuse([]string{"wanted an index, found 0 arguments"}, "index", "verify")
	c.refuse([]string{"no such index"}, "index", "verify", filepath.Join(out, "nowhere"))
	c.refuse([]string{"--recall is 2"}, "index", "verify", out, "--recall", "2")
	c.refuse([]string{"--samples, --queries and -k are 0, 100 and 10"}, "index", "verify", out, "--samples", "0")
}
