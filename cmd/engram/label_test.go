package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"

	"github.com/google/go-cmp/cmp"
)

// kindsInLabels are ten kinds of thing, so that chance is one in ten.
var kindsInLabels = []string{"zebra", "elephant", "lighthouse", "boat", "pizza", "camel", "train", "castle", "penguin", "sofa"}

// drawOneOf draws n scenes of the test split that have one of the kinds of
// kindsInLabels and none of the others, and returns their folder and their labels.
func drawOneOf(t *testing.T, n int) (dir string, right []string) {
	t.Helper()
	world := scenes.New(9)
	var drawn []scenes.Scene
	for i := uint64(0); len(drawn) < n; i++ {
		s := world.Scene(scenes.Test, i)
		var found []string
		for _, thing := range s.Things {
			if kind := thing.Kind.String(); slices.Contains(kindsInLabels, kind) && !slices.Contains(found, kind) {
				found = append(found, kind)
			}
		}
		if len(found) == 1 {
			drawn, right = append(drawn, s), append(right, found[0])
		}
	}
	dir = t.TempDir()
	if err := scenes.WriteFolder(t.Context(), scenes.Folder{Dir: dir, Name: "all", Size: 64}, drawn); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "all"), right
}

func TestLabelsAreFarAboveChance(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	const n = 120
	dir, right := drawOneOf(t, n)
	labels := filepath.Join(t.TempDir(), "labels.txt")
	writeFile(t, labels, []byte("\ufeff# kinds\n"+strings.Join(kindsInLabels, "\r\n")+"\n\nzebra\n"))
	writeFile(t, filepath.Join(dir, "broken.png"), []byte("no image"))

	stdout, stderr, status := c.run("label", dir, "--labels", labels, "--model", app.ScenesCLIP, "--template", "{}", "--csv", "--top", "3")
	for _, part := range []string{
		`line 13 is left out, "zebra" is in line 2 already`, "empty lines are left out: 1", "skipped broken.png: ",
		"labelled 120 images, bad 1", "softmax of 100 times the cosine",
	} {
		if !strings.Contains(stderr, part) {
			t.Errorf("stderr has no %q: %s", part, stderr)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || status != 0 || len(rows) != 1+3*n {
		t.Fatalf("status %d, %d lines of CSV: %v", status, len(rows), err)
	}
	found := 0
	for i := range n {
		row := rows[1+3*i]
		if want := fmt.Sprintf("%012d.png", i+1); row[0] != want || row[1] != "1" {
			t.Fatalf("line %d is %q, want the first label of %s: the order is the source's", 1+3*i, row, want)
		}
		if row[2] == right[i] {
			found++
		}
	}
	if found < n*6/10 {
		t.Errorf("%d of %d images have the right label of ten, want 60 %%", found, n)
	}
	t.Logf("%d of %d images have the right label of ten", found, n)

	// The items of an index are labelled alike, by the vectors that they have.
	index := filepath.Join(t.TempDir(), "index")
	c.must("index", "build", dir, "--model", app.ScenesCLIP, "--out", index)
	labelled := func(args ...string) map[string][]app.LabelScore {
		t.Helper()
		all := map[string][]app.LabelScore{}
		for line := range strings.Lines(c.must(append([]string{"label", "--labels", labels, "--template", "{}", "--json", "--top", "10"}, args...)...)) {
			var v labelView
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			all[v.Path] = v.Labels
		}
		return all
	}
	images, items := labelled(dir, "--model", app.ScenesCLIP), labelled("--index", index)
	if len(items) != n {
		t.Errorf("%d items are labelled, want %d", len(items), n)
	}
	for path, want := range images {
		sum := 0.
		for i, s := range want {
			sum += s.Probability
			if got := items[path]; len(got) != len(want) || got[i].Label != s.Label || math.Abs(got[i].Probability-s.Probability) > 1e-4 {
				t.Fatalf("%s: %v as an item, %v as an image", path, got, want)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: the probabilities of all labels add up to %v", path, sum)
		}
	}
}

// The probabilities are the softmax of 100 times the cosines that a search shows.
func TestProbabilitiesAreTheSoftmaxOfCosines(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	dir, _ := drawOneOf(t, 4)
	labels, index := filepath.Join(t.TempDir(), "labels.txt"), filepath.Join(t.TempDir(), "index")
	writeFile(t, labels, []byte("zebra\nboat\n"))
	c.must("index", "build", dir, "--model", app.ScenesCLIP, "--out", index)
	label := func(args ...string) (first labelView) {
		out := c.must(append([]string{"label", "--index", index, "--labels", labels, "--template", "{}", "--json", "--top", "2"}, args...)...)
		line, _, _ := strings.Cut(out, "\n")
		if err := json.Unmarshal([]byte(line), &first); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return first
	}
	item := label()
	cosine := func(word string) float64 {
		var found struct{ Hits []hit }
		c.json(&found, "search", "--index", index, "-k", "4", word)
		for _, h := range found.Hits {
			if h.ID == item.ID {
				return float64(h.Score)
			}
		}
		t.Fatalf("%+v has no item %s", found.Hits, item.ID)
		return 0
	}
	difference := cosine("zebra") - cosine("boat")
	for scale, first := range map[float64]labelView{100: item, 20: label("--scale", "20")} {
		odds := map[string]float64{}
		for _, l := range first.Labels {
			odds[l.Label] = math.Log(l.Probability)
		}
		if got, want := odds["zebra"]-odds["boat"], scale*difference; math.Abs(got-want) > 1e-3 {
			t.Errorf("scale %v: the logarithms differ by %v, want %v", scale, got, want)
		}
	}
}

func TestLabelRefuses(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, []byte(text))
		return path
	}
	photos := writePhotos(t)
	good := file("good.txt", "zebra\nboat\n")
	clip := []string{photos, "--model", app.ScenesCLIP, "--labels"}
	for _, test := range []struct {
		want string
		args []string
	}{
		{`wanted --labels, not given`, []string{photos}},
		{"nowhere.txt: no such file", append(clip, filepath.Join(dir, "nowhere.txt"))},
		{"empty.txt has no lines with text", append(clip, file("empty.txt", "# nothing\n"))},
		{"latin.txt: line 2: the text is not UTF-8 at byte 3", append(clip, file("latin.txt", "zebra\ncaf\xe9\n"))},
		{"control.txt: line 1: the text has the control character U+0007", append(clip, file("control.txt", "ze\abra\n"))},
		{`knows no word of the label "xylophone"`, append(clip, file("unknown.txt", "zebra\nxylophone\n"))},
		{"has no {} for the label", append(clip, good, "--template", "a photo")},
		{"--top and --batch are 0 and 16", append(clip, good, "--top", "0")},
		{"--scale is NaN", append(clip, good, "--scale", "NaN")},
		{"found both", append(clip, good, "--index", dir)},
		{"wanted --model with the model of a CLIP", []string{photos, "--labels", good}},
		{"the model pixels 1 embeds no texts, wanted --model with the model of a CLIP", []string{photos, "--labels", good, "--model", app.Pixels}},
		{"has no images", []string{t.TempDir(), "--labels", good, "--model", app.ScenesCLIP}},
	} {
		stdout, stderr, status := c.run(append([]string{"label"}, test.args...)...)
		if status != 1 || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: status %d, stdout %q, stderr %q, want %q", test.args, status, stdout, stderr, test.want)
		}
	}
	broken := t.TempDir()
	writeFile(t, filepath.Join(broken, "a.jpg"), []byte("no image"))
	if _, stderr, status := c.run("label", broken, "--labels", good, "--model", app.ScenesCLIP); status != 1 || !strings.Contains(stderr, "none of the 1 images") {
		t.Errorf("a folder of broken images: status %d, %s", status, stderr)
	}
}

// A label's vector is the mean of the vectors of its texts.
func TestTemplatesAreAveraged(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	dir, _ := drawOneOf(t, 10)
	labels, templates := filepath.Join(t.TempDir(), "labels.txt"), filepath.Join(t.TempDir(), "templates.txt")
	writeFile(t, labels, []byte("zebra\nboat\npizza\n"))
	writeFile(t, templates, []byte("a {} at night\na {} by day\n"))
	label := func(args ...string) string {
		return c.must(append([]string{"label", dir, "--labels", labels, "--model", app.ScenesCLIP, "--csv"}, args...)...)
	}
	both := label("--templates", templates)
	if diff := cmp.Diff(both, label("--template", "a {} by day", "--template", "a {} at night")); diff != "" {
		t.Errorf("the order of templates matters:\n%s", diff)
	}
	if both == label("--template", "a {} by day") || both == label() {
		t.Error("the second template changes nothing")
	}
}
