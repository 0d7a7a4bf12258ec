package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"
	"engram/index"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// drawTestScenes draws scenes of the test split into a folder. Scene i is the file
// of number i+1.
func drawTestScenes(t *testing.T, seed uint64, n int) (dir string, drawn []scenes.Scene) {
	t.Helper()
	world := scenes.New(seed)
	for i := range uint64(n) {
		drawn = append(drawn, world.Scene(scenes.Test, i))
	}
	dir = t.TempDir()
	if err := scenes.WriteFolder(t.Context(), scenes.Folder{Dir: dir, Name: "all", Size: 64}, drawn); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "all"), drawn
}

func TestSearchByWords(t *testing.T) {
	c := newCLI(t)
	dir, drawn := drawTestScenes(t, 1, 60)
	t.Chdir(t.TempDir())
	stdout, stderr, status := c.run("index", "build", dir, "--model", app.ScenesCLIP)
	if status != 0 || !strings.Contains(stderr, "the index is engram.index in this folder") {
		t.Fatalf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	find := func(args ...string) []hit {
		t.Helper()
		var found struct{ Hits []hit }
		c.json(&found, append([]string{"search", "-k", "3"}, args...)...)
		return found.Hits
	}

	right := 0
	for i := range drawn[:20] {
		caption := drawn[i].Captions()[0]
		if strings.HasSuffix(find(caption)[0].Path, fmt.Sprintf("%012d.png", i+1)) {
			right++
		}
	}
	if right < 17 {
		t.Errorf("%d of 20 captions find their scene among 60, want 17 or more", right)
	}

	// Words in quotes or not, by flag or not, are one query.
	caption := drawn[7].Captions()[0]
	want := find(caption)
	for _, same := range [][]string{strings.Fields(caption), {"--text", caption}, {"--text", caption, "--weight", "3"}} {
		if diff := cmp.Diff(want, find(same...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", same, diff)
		}
	}
}

// A query of several parts is the sum of their unit vectors by weight.
func TestSearchByParts(t *testing.T) {
	c := newCLI(t)
	dir, drawn := drawTestScenes(t, 2, 40)
	t.Chdir(t.TempDir())
	c.must("index", "build", dir, "--model", app.ScenesCLIP)
	picture := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%012d.png", i+1)) }
	find := func(args ...string) []hit {
		t.Helper()
		var found struct{ Hits []hit }
		c.json(&found, append([]string{"search", "-k", "40"}, args...)...)
		return found.Hits
	}
	score := func(hits []hit, id string) float64 {
		for _, h := range hits {
			if h.ID == id {
				return float64(h.Score)
			}
		}
		t.Fatalf("there is no item %s among %d hits", id, len(hits))
		return 0
	}

	image, text := find("--image", picture(3)), find(drawn[9].Captions()[0])
	both := find("at", "--image", picture(3), "--weight", "2", "--minus-text", drawn[9].Captions()[0], "--weight", ".5", "--text", "a zebra")
	if len(both) != 40 {
		t.Fatalf("%d hits", len(both))
	}
	sum := find("--image", picture(3), "--weight", ".75", "--minus-text", drawn[9].Captions()[0], "--weight", ".25")
	// A sum's cosines are the weighted sum of its parts' ones, divided by its length.
	length := (.75*score(image, image[5].ID) - .25*score(text, image[5].ID)) / score(sum, image[5].ID)
	for _, h := range sum {
		if got := (.75*score(image, h.ID) - .25*score(text, h.ID)) / length; got-float64(h.Score) > 1e-4 || float64(h.Score)-got > 1e-4 {
			t.Errorf("item %s has score %v, want %v", h.ID, h.Score, got)
		}
	}

	// Items of the query are left out, whether more or less of them is asked for.
	a, b := image[0].ID, image[39].ID
	left := find("--item", a, "--minus-item", b, "--weight", ".5", "--text", "at night")
	if len(left) != 38 {
		t.Errorf("%d hits, want 38 without the two items of the query", len(left))
	}
	for _, h := range left {
		if h.ID == a || h.ID == b {
			t.Errorf("item %s of the query is a hit", h.ID)
		}
	}

	c.refuse([]string{"cancel each other out"}, "search", "--image", picture(3), "--minus-image", picture(3), "--index", app.DefaultIndex)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"the text is empty", []string{""}},
		{"the text is empty", []string{"--text", "  \t "}},
		{"the text has the control character U+001B", []string{"a \x1b[31mcat"}},
		{"the text is not UTF-8 at byte 2", []string{"a \xff"}},
		{"the text has 59999 bytes, wanted at most 32768", []string{strings.TrimSpace(strings.Repeat("zebra ", 10000))}},
		{`the model scenes-clip`, []string{"xylophones"}},
		{`knows no word of "<|endoftext|>"`, []string{"<|endoftext|>"}},
		{"--weight", []string{"a zebra", "--weight", "0"}},
		{"--weight", []string{"a zebra", "--weight", "NaN"}},
		{"--weight", []string{"a zebra", "--weight=-1"}},
		{"the part before it has a weight already", []string{"a zebra", "--weight", "1", "--weight", "2"}},
		{"there is no part of the query before it", []string{"--weight", "1", "a zebra"}},
		{"--row is for a scan or a vector", []string{"a zebra", "--row", "1"}},
		{"wanted the id of an item", []string{"--item", "zebra"}},
	} {
		c.refuse([]string{test.want}, append([]string{"search", "--index", app.DefaultIndex}, test.args...)...)
	}

	_, stderr, status := c.run("search", strings.Repeat("zebra ", 50))
	if status != 0 || !strings.Contains(stderr, "is longer than the model reads and was cut") {
		t.Errorf("a long text: status %d, stderr %q", status, stderr)
	}
}

func TestSearchByWordsNeedsAModelWithWords(t *testing.T) {
	c := newCLI(t)
	photos, out := writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out)
	c.refuse([]string{"an index of plain pixels finds what looks alike and knows no words; to search by words, build one with the model of a CLIP"},
		"search", "--index", out, "a zebra")

	wordless := filepath.Join(t.TempDir(), "wordless")
	c.must("model", "import", pixelsModel(t), "--out", wordless, "--name", "wordless")
	out = filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out, "--model", wordless)
	c.refuse([]string{"the model wordless 1 has no text graph; to search by words"}, "search", "--index", out, "a zebra")

	// Where the catalogue has words for the same space, it is named.
	images := filepath.Join(t.TempDir(), "images")
	c.must("model", "import", pixelsModel(t), "--out", images, "--name", "images", "--source", "hf:Qdrant/clip-ViT-B-32-vision@main")
	out = filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out, "--model", images)
	c.refuse([]string{"has no text graph, and clip-vit-b-32 has one for the same space", "--model clip-vit-b-32"}, "search", "--index", out, "a zebra")
}

// The place of words among the flags decides what a weight is about.
func TestPartsAreInTheOrderOfTheCommandLine(t *testing.T) {
	parse := func(args ...string) []app.Part {
		t.Helper()
		var q queryFlags
		q.add(pflag.NewFlagSet("search", pflag.ContinueOnError))
		if err := q.flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		parts, err := q.query(q.flags.Args())
		if err != nil {
			t.Fatal(err)
		}
		return parts
	}
	words := app.Part{Kind: app.PartText, Value: "at night", Weight: 1}
	image := app.Part{Kind: app.PartImage, Value: "a.png", Weight: 1}
	heavy := func(p app.Part, w float64) app.Part { p.Weight = w; return p }
	for _, test := range []struct {
		args []string
		want []app.Part
	}{
		{[]string{"at", "night"}, []app.Part{words}},
		{[]string{"at night", "--weight", "2", "--image", "a.png"}, []app.Part{heavy(words, 2), image}},
		{[]string{"--image", "a.png", "at", "night", "--weight", "2"}, []app.Part{image, heavy(words, 2)}},
		{[]string{"--image", "a.png", "--weight", "2", "at", "night"}, []app.Part{heavy(image, 2), words}},
		{[]string{"at", "--minus-image", "a.png", "--weight", ".5", "night"}, []app.Part{words, heavy(image, -.5)}},
		{[]string{"--row", "3,4", "--scan", "s.npy", "--row", "5", "--minus-item", "7", "--weight", "3", "--vector", "v.npy", "--row", "1"}, []app.Part{
			{Kind: app.PartScan, Value: "s.npy", Rows: []int{3, 4, 5}, Weight: 1},
			{Kind: app.PartItem, Item: index.ID(7), Weight: -3},
			{Kind: app.PartVector, Value: "v.npy", Rows: []int{1}, Weight: 1},
		}},
	} {
		if diff := cmp.Diff(test.want, parse(test.args...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}
