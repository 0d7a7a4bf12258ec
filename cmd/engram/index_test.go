package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/realtest"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/source"

	"github.com/google/go-cmp/cmp"
)

// writePhotos writes 16 images, p00.png to p33.png, of a square in different
// places.
func writePhotos(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	for i := range 16 {
		writePNG(t, filepath.Join(dir, fmt.Sprintf("p%d%d.png", i/4, i%4)), i%4*7, i/4*7)
	}
	return dir
}

func TestIndexAddsWhatIsNew(t *testing.T) {
	c := newCLI(t)
	photos, out := writePhotos(t), filepath.Join(t.TempDir(), "index")
	writeFile(t, filepath.Join(photos, "text.jpg"), []byte("no image"))
	writePNG(t, filepath.Join(photos, "trip", "t.png"), 2, 9)
	var r ingest.Report
	c.json(&r, "index", "build", photos, "--out", out)
	if r.Stored != 17 || len(r.Bad) != 1 || r.Bad[0].Name != "text.jpg" || !strings.Contains(r.Bad[0].Reason, "wanted JPEG") {
		t.Errorf("first run: %+v, want 17 stored and text.jpg bad", r)
	}
	writePNG(t, filepath.Join(photos, "new.png"), 3, 3)
	for _, gone := range []string{"p00.png", "trip"} {
		if err := os.RemoveAll(filepath.Join(photos, gone)); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, status := c.run("index", "build", photos, "--out", out)
	if status != 0 || !strings.HasPrefix(stdout, "shards 1: finished 1, unchanged 0, damaged 0\nrows: stored 1, unchanged 15, excluded 0, bad 1, gone 2 (deleted 1)\n") {
		t.Errorf("second run: status %d, stdout %q", status, stdout)
	}
	if !strings.Contains(stderr, "skipped text.jpg: ") || !strings.Contains(stderr, "gone    p00.png\ngone    trip/t.png\n") {
		t.Errorf("second run: stderr %q, want text.jpg skipped, p00.png and trip/t.png gone", stderr)
	}
	r = ingest.Report{}
	c.json(&r, "index", "build", photos, "--out", out, "--prune")
	if r.Deleted != 1 || r.Unchanged != 16 {
		t.Errorf("with --prune: %+v, want one deleted and 16 unchanged", r)
	}
	origin, err := originOf(t, out)
	if err != nil {
		t.Fatal(err)
	}
	want := source.Origin{Source: photos, Kind: source.Images, Root: photos, Model: filepath.Join(c.args[3], "models", "pixels-32")}
	if diff := cmp.Diff(want, origin); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
}

func TestIndexRefuses(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	out, empty, bad, other := filepath.Join(dir, "index"), filepath.Join(dir, "empty"), filepath.Join(dir, "bad"), filepath.Join(dir, "other")
	c.must("index", "build", photos, "--out", out)
	c.must("model", "import", pixelsModel(t), "--out", other, "--name", "other")
	writeFile(t, filepath.Join(bad, "a.jpg"), []byte("no image"))
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(dir, "fresh")
	c.refuse([]string{"nowhere", "no such file"}, "index", "build", filepath.Join(dir, "nowhere"), "--out", fresh)
	c.refuse([]string{"empty has no images"}, "index", "build", empty, "--out", fresh)
	c.refuse([]string{`unknown command "photos" for "engram index"`}, "index", "photos")
	c.refuse([]string{`unknown command "gte" for "engram model"`}, "model", "gte", "clip-vit-b-32")
	c.refuse([]string{`part "3/2": wanted one such as 2/8`}, "index", "build", photos, "--out", fresh, "--part", "3/2")
	c.refuse([]string{`--embeddings is "tags"`}, "index", "build", photos, "--out", fresh, "--embeddings", "tags")
	c.refuse([]string{"of kind images", "only one of kind laion"}, "index", "build", photos, "--out", fresh, "--embeddings", "text")
	c.refuse([]string{"of kind images", "only one of kind parquet"}, "index", "build", photos, "--out", fresh, "--column", "v")
	c.refuse([]string{`--where: `, "unusable filter"}, "index", "build", photos, "--out", fresh, "--where", "zebra")
	c.refuse([]string{"--batch is 0"}, "index", "build", photos, "--out", fresh, "--batch", "0")
	c.refuse([]string{"is an index of model pixels 1, --model is other 1"}, "index", "build", photos, "--out", out, "--model", other)
	c.refuse([]string{"is not empty and has no index"}, "index", "build", photos, "--out", photos)
	if _, err := os.Stat(fresh); !os.IsNotExist(err) {
		t.Errorf("a refused run left %s (%v)", fresh, err)
	}
	_, stderr, status := c.run("index", "build", bad, "--out", fresh)
	if status != 1 || !strings.Contains(stderr, "none of the 1 rows of "+bad+" could be used") {
		t.Errorf("where all files are bad: status %d, stderr %q", status, stderr)
	}
}

// Every one of the 489 photos, searched for with its own file, is the first
// result of an index made with MobileNetV2.
func TestRealPhotosFindThemselves(t *testing.T) {
	t.Parallel()
	model := realtest.Path(t, "models/mobilenetv2/mobilenetv2.onnx")
	photos := realtest.Path(t, "photos")
	c := newCLI(t)
	dir := t.TempDir()
	modelDir, out := filepath.Join(dir, "mobilenetv2"), filepath.Join(dir, "index")
	c.must("model", "import", model, "--out", modelDir, "--output", "features", "--mean", ".5,.5,.5", "--std", ".5,.5,.5", "--resize", "bilinear")
	var r ingest.Report
	c.json(&r, "index", "build", photos, "--model", modelDir, "--out", out)
	if r.Stored != 489 || len(r.Bad) != 0 {
		t.Fatalf("stored %d with %d bad, want 489 and none: %v", r.Stored, len(r.Bad), r.Bad)
	}
	t.Logf("%.1f images/s, encoder busy %.3f", r.Rate(), r.EncoderBusy)

	store, err := local.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		hits, err := store.Search(t.Context(), index.Query{Vector: item.Vector, K: 1})
		if err != nil {
			t.Fatal(err)
		}
		if hits[0].ID != item.ID || hits[0].Score < .9999 {
			t.Errorf("the nearest to %v is item %d with score %v", item.Payload["path"], hits[0].ID, hits[0].Score)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	// The file, decoded again in another batch, gives the same vector.
	file := "coco/val2017/000000397133.jpg"
	var found struct{ Hits []hit }
	c.json(&found, "search", "--index", out, "--image", filepath.Join(photos, file), "-k", "3")
	first := found.Hits[0]
	if first.Payload["path"] != file || first.Score < .9999 {
		t.Errorf("the first result is %+v, want %s", first, file)
	}
	if captions, _ := first.Payload["captions"].([]any); len(captions) != 5 {
		t.Errorf("captions of %s are %v, want the 5 of COCO", file, first.Payload["captions"])
	}
}
