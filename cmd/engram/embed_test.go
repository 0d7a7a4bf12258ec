package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/laion"
	"engram/data/scenes"
	"engram/index/embedfiles"
)

// writeScenes writes n generated pictures as a split of COCO and returns the
// folder that has it.
func writeScenes(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "coco")
	world, list := scenes.New(5), make([]scenes.Scene, n)
	for i := range list {
		list[i] = world.Scene(scenes.Test, uint64(i))
	}
	if err := scenes.WriteFolder(context.Background(), scenes.Folder{Dir: dir, Name: "test", Size: 48}, list); err != nil {
		t.Fatal(err)
	}
	return dir
}

// found returns what a search finds: path → score.
func found(t *testing.T, c *cli, index, image string) map[string]float64 {
	t.Helper()
	var r struct{ Hits []hit }
	c.json(&r, "search", "--index", index, "--image", image, "-k", "8")
	scores := map[string]float64{}
	for _, h := range r.Hits {
		scores[h.Payload["path"].(string)] = float64(h.Score)
	}
	return scores
}

func TestEmbeddedSourceAnswersAsTheSourceItself(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	photos, dir := writeScenes(t, 60), t.TempDir()
	writeFile(t, filepath.Join(photos, "test", "broken.png"), []byte("no image"))
	direct := filepath.Join(dir, "direct")
	c.must("index", "build", photos, "--out", direct)
	for _, test := range []struct {
		flag      []string
		typ       string
		tolerance float64
	}{{[]string{"--float32"}, "float32", 1e-6}, {nil, "float16", 1e-3}} {
		out, loaded := filepath.Join(dir, test.typ), filepath.Join(dir, test.typ+".index")
		args := append([]string{"embed", photos, "--out", out}, test.flag...)
		var r embedfiles.Report
		c.json(&r, args...)
		if r.Pairs != 1 || r.Rows != 60 || r.Unusable != 1 || r.Bad[0].Name != "test/broken.png" || r.Encoded != 60 {
			t.Errorf("report %+v, want a pair of 60 without broken.png", r)
		}
		shards, err := laion.List(out, laion.Image)
		if err != nil || len(shards) != 1 || shards[0].Type != test.typ || shards[0].Rows != 60 || shards[0].Err != nil {
			t.Fatalf("shards %+v, error %v, want one of 60 rows of %s", shards, err, test.typ)
		}
		c.must("index", "build", out, "--out", loaded, "--model", "pixels")
		for _, name := range []string{"000000000001.png", "000000000031.png", "000000000060.png"} {
			image := filepath.Join(photos, "test", name)
			want, got := found(t, c, direct, image), found(t, c, loaded, image)
			if want["test/"+name] < .999 || len(got) != len(want) {
				t.Errorf("%s finds %v directly and %v by way of %s", name, want, got, out)
			}
			for path, score := range want {
				if math.Abs(got[path]-score) > test.tolerance {
					t.Errorf("%s: %s has score %v directly and %v by way of %s", name, path, score, got[path], out)
				}
			}
		}
		again, stderr, status := c.run(args...)
		if status != 0 || !strings.HasPrefix(again, "pairs 1 (1 there before), rows 60, bad 1; encoded 0 in ") {
			t.Errorf("second run prints %q, status %d: %s", again, status, stderr)
		}
	}
}

func TestEmbedCaptions(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	photos, dir := writeScenes(t, 12), t.TempDir()
	models, out := filepath.Join(dir, "models"), filepath.Join(dir, "captions")
	c.must("pretrain", "--out", models, "--scale", "tiny", "--model", "clip", "--epochs", "1")
	model := filepath.Join(models, "clip")
	writePNG(t, filepath.Join(photos, "other", "uncaptioned.png"), 3, 3)
	stdout, stderr, status := c.run("embed", photos, "--text", "--model", model, "--out", out)
	if status != 0 || !strings.HasPrefix(stdout, "annotations: captions_test.json 12 of 12, instances_test.json 12 of 12 images found their photo\npairs 1 (0 there before), rows 12, bad 1; encoded 12 in ") || !strings.Contains(stderr, "skipped other/uncaptioned.png: it has no caption") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	shards, err := laion.List(out, laion.Text)
	if err != nil || len(shards) != 1 || shards[0].Rows != 12 || shards[0].Err != nil {
		t.Fatalf("shards %+v, error %v, want one of 12 rows", shards, err)
	}
	// Captions are searched as images are: by vectors of the same space.
	index := filepath.Join(dir, "index")
	c.must("index", "build", out, "--embeddings", "text", "--model", model, "--out", index)
	if got := found(t, c, index, filepath.Join(photos, "test", "000000000001.png")); len(got) != 8 {
		t.Errorf("a search among captions finds %v, want 8", got)
	}
}

func TestEmbedRefuses(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	out, bad := filepath.Join(dir, "out"), filepath.Join(dir, "bad")
	c.must("embed", photos, "--out", out)
	c.must("model", "import", pixelsModel(t), "--out", filepath.Join(dir, "model"), "--name", "other")
	writeFile(t, filepath.Join(bad, "a.jpg"), []byte("no image"))

	c.refuse([]string{"wanted a source, found 0 arguments"}, "embed", "--out", out)
	c.refuse([]string{"wanted --out, not given"}, "embed", photos)
	c.refuse([]string{"nowhere", "no such file"}, "embed", filepath.Join(dir, "nowhere"), "--out", out)
	c.refuse([]string{"--rows is 0"}, "embed", photos, "--out", out, "--rows", "0")
	c.refuse([]string{"the model pixels 1 embeds no texts, wanted --model with the model of a CLIP"}, "embed", photos, "--out", out, "--text")
	c.refuse([]string{"img_emb of 1024 float16 by model pixels 1", "float32"}, "embed", photos, "--out", out, "--float32")
	c.refuse([]string{"by model other 1"}, "embed", photos, "--out", out, "--model", filepath.Join(dir, "model"))
	c.refuse([]string{"is not empty and has no embed.json"}, "embed", photos, "--out", photos)
	_, stderr, status := c.run("embed", bad, "--out", filepath.Join(dir, "fresh"))
	if status != 1 || !strings.Contains(stderr, "none of the 1 rows of "+bad+" could be embedded; a.jpg: ") {
		t.Errorf("where all files are bad: status %d, stderr %q", status, stderr)
	}
	writePNG(t, filepath.Join(photos, "new.png"), 1, 1)
	c.refuse([]string{"is no longer what pair 0 was made of"}, "embed", photos, "--out", out)
	if _, err := os.Stat(filepath.Join(photos, embedfiles.PlanName)); !os.IsNotExist(err) {
		t.Errorf("a refused run wrote into the source (%v)", err)
	}
}
