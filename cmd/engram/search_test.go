package main

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/coco"
	"engram/data/images"
	"engram/data/npy"
	"engram/data/realtest"

	"github.com/google/go-cmp/cmp"
)

func writeNPY(t *testing.T, path string, data any, shape ...int) string {
	t.Helper()
	if err := npy.WriteFile(path, shape, data); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSearchByImageItemAndVector(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	out := filepath.Join(dir, "index")
	c.must("index", "build", photos, "--out", out)

	want := filepath.Join(photos, "p12.png")
	if got, _, _ := strings.Cut(c.must("search", "--index", out, "--image", want, "--paths"), "\n"); got != want {
		t.Errorf("first path is %q, want %q", got, want)
	}
	table := strings.Split(c.must("search", "--index", out, "--image", want, "-k", "2"), "\n")
	if len(table) != 4 || !strings.HasPrefix(table[0], "rank") || !strings.HasPrefix(table[1], "1     1.0000  p12.png") {
		t.Errorf("table is %q, want a header and two rows, the first of p12.png", table)
	}

	var found struct{ Hits []hit }
	c.json(&found, "search", "--index", out, "--item", fmt.Sprint(images.ID("p12.png")), "-k", "3")
	if len(found.Hits) != 3 || found.Hits[0].Rank != 1 || found.Hits[0].Score > .9999 {
		t.Errorf("by item: %+v, want three others", found.Hits)
	}
	others := found.Hits
	for _, flag := range []string{"--exact", "--recall=0.9", "--recall=1"} {
		c.json(&found, "search", "--index", out, "--item", fmt.Sprint(images.ID("p12.png")), "-k", "3", flag)
		if diff := cmp.Diff(others, found.Hits); diff != "" {
			t.Errorf("the embedded engine is exact, with %s too (-without +with):\n%s", flag, diff)
		}
	}
	for _, recall := range []string{"0", "-1", "1.5", "NaN"} {
		c.refuse([]string{"--recall is " + recall}, "search", "--index", out, "--item", "1", "--recall", recall)
	}
	c.refuse([]string{"exact", "recall"}, "search", "--index", out, "--item", "1", "--exact", "--recall", ".5")

	// The vector of the same image finds the image and then those others.
	vector := make([]float32, 1024)
	for i := range vector {
		if x, y := i%32, i/32; x >= 14 && x < 24 && y >= 7 && y < 17 {
			vector[i] = 250. / 255
		}
	}
	var mean float32
	for _, v := range vector {
		mean += v / 1024
	}
	for i := range vector {
		vector[i] += 1e-4 - mean
	}
	two := writeNPY(t, filepath.Join(dir, "v.npy"), append(make([]float32, 1024), vector...), 2, 1024)
	found.Hits = nil
	c.json(&found, "search", "--index", out, "--vector", two, "--row", "1", "-k", "4")
	if found.Hits[0].Path != want || found.Hits[0].Score < .9999 {
		t.Errorf("by vector the first is %+v, want %s", found.Hits[0], want)
	}
	for i, h := range found.Hits[1:] {
		if h.ID != others[i].ID || math.Abs(float64(h.Score-others[i].Score)) > 1e-5 {
			t.Errorf("by vector result %d is %+v, by item it is %+v", h.Rank, h, others[i])
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	out := filepath.Join(dir, "index")
	c.must("index", "build", photos, "--out", out)
	file := func(name string) string { return filepath.Join(dir, name) }
	vector := make([]float32, 1024)
	writeNPY(t, file("zero.npy"), vector, 1024)
	vector[7] = float32(math.NaN())
	writeNPY(t, file("nan.npy"), vector, 1024)
	writeNPY(t, file("short.npy"), vector[:7], 7)
	writeNPY(t, file("rows.npy"), vector, 2, 512)
	if err := os.Truncate(writeNPY(t, file("cut.npy"), vector, 1024), 1000); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file("text.jpg"), []byte("no image"))

	for _, test := range []struct {
		want []string
		args []string
	}{
		{[]string{"wanted words, --text, --image, --vector, --scan or --item to search for, found none"}, nil},
		{[]string{"-k is 0"}, []string{"--item", "3", "-k", "0"}},
		{[]string{"no item 3"}, []string{"--item", "3"}},
		{[]string{"nowhere.jpg: no such file"}, []string{"--image", file("nowhere.jpg")}},
		{[]string{"text.jpg", "not a supported image"}, []string{"--image", file("text.jpg")}},
		{[]string{"short.npy: the vector has 7 elements, the index 1024"}, []string{"--vector", file("short.npy")}},
		{[]string{"nan.npy: element 7 of row 0 is NaN"}, []string{"--vector", file("nan.npy")}},
		{[]string{"zero"}, []string{"--vector", file("zero.npy")}},
		{[]string{"cut.npy: header says 1024 float32 = 4096 bytes"}, []string{"--vector", file("cut.npy")}},
		{[]string{"rows.npy has 2 rows, choose among rows 0…1"}, []string{"--vector", file("rows.npy")}},
		{[]string{"rows.npy has rows 0…1, not row 2"}, []string{"--vector", file("rows.npy"), "--row", "2"}},
		{[]string{"--candidates is for a query of one scan"}, []string{"--item", "3", "--candidates", "5"}},
		{[]string{"--first-stage is for a query of one scan"}, []string{"--scan", file("short.npy"), "--item", "3", "--first-stage"}},
		{[]string{"--candidates and --first-stage are given, wanted one of them"}, []string{"--scan", file("short.npy"), "--candidates", "5", "--first-stage"}},
		{[]string{"wanted each row once, found row 3 twice"}, []string{"--scan", file("short.npy"), "--row", "3,4", "--row", "3"}},
		{[]string{"needs --decoder"}, []string{"--scan", file("short.npy")}},
	} {
		c.refuse(test.want, append([]string{"search", "--index", out}, test.args...)...)
	}
	c.refuse([]string{"nowhere", "no such index"}, "search", "--index", file("nowhere"), "--item", "3")

	other := file("other")
	c.must("model", "import", pixelsModel(t), "--out", other, "--name", "other")
	c.refuse([]string{"made with model pixels 1", "the query with other 1"},
		"search", "--index", out, "--image", filepath.Join(photos, "p00.png"), "--model", other)
}

func TestCaptionIsOneLine(t *testing.T) {
	got := []string{
		oneLine(caption(map[string]any{"captions": []string{"two\n lines", "second"}, "categories": []string{"cat"}})),
		caption(map[string]any{"categories": []string{"cat", "dog"}}),
		caption(map[string]any{}),
	}
	if diff := cmp.Diff([]string{"two lines", "cat, dog", ""}, got); diff != "" {
		t.Errorf("captions (-want +got):\n%s", diff)
	}
}

// The photos of COCO are found by what people marked in them: the filter's hits
// are those photos, counted in the annotations, and no others.
func TestSearchFindsRealPhotosByCategory(t *testing.T) {
	t.Parallel()
	photos := realtest.Path(t, "photos/coco")
	c := newCLI(t)
	out := filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", out)

	have := map[string]map[string]bool{} // category → photos
	for _, split := range []string{"train2017", "val2017"} {
		set, err := coco.Load(filepath.Join(photos, "annotations", "instances_"+split+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range set.Images {
			for _, category := range set.Images[i].Categories() {
				if have[category.Name] == nil {
					have[category.Name] = map[string]bool{}
				}
				have[category.Name][split+"/"+set.Images[i].FileName] = true
			}
		}
	}
	find := func(filter string) map[string]bool {
		t.Helper()
		var found struct{ Hits []hit }
		query := filepath.Join(photos, "val2017", "000000397133.jpg")
		c.json(&found, "search", "--index", out, "--image", query, "-k", "1000", "--filter", filter)
		paths := map[string]bool{}
		for _, h := range found.Hits {
			paths[h.Payload["path"].(string)] = true
		}
		return paths
	}
	for _, name := range []string{"person", "zebra", "potted plant", "toothbrush"} {
		if diff := cmp.Diff(have[name], find(fmt.Sprintf(`{"key":"categories","equal":%q}`, name))); diff != "" || len(have[name]) == 0 {
			t.Errorf("photos of %s, %d of them (-annotated +found):\n%s", name, len(have[name]), diff)
		}
	}
	want := maps.Clone(have["person"])
	maps.DeleteFunc(want, func(path string, _ bool) bool {
		return have["chair"][path] || !have["dining table"][path] && !have["car"][path]
	})
	filter := `{"and":[{"key":"categories","equal":"person"},{"key":"categories","in":["dining table","car"]},{"not":{"key":"categories","equal":"chair"}}]}`
	if diff := cmp.Diff(want, find(filter)); diff != "" || len(want) == 0 {
		t.Errorf("people at tables or cars without chairs, %d photos (-annotated +found):\n%s", len(want), diff)
	}
	c.refuse([]string{"--filter: filter.equal is null, wanted a string"},
		"search", "--index", out, "--item", fmt.Sprint(images.ID("val2017/000000397133.jpg")), "--filter", `{"key":"categories","equal":null}`)
}

// What tells the results apart is shown, and --paths prints what is there.
func TestSearchShowsWhatTheIndexWasBuiltFrom(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	published, out := filepath.Join(dir, "laion"), filepath.Join(dir, "laion.index")
	writeLAION(t, published, 1)
	c.must("index", "build", published, "--out", out)
	vector := writeNPY(t, filepath.Join(dir, "v.npy"), []float32{1, 0, 0}, 3)
	if got := c.must("search", "--index", out, "--vector", vector, "-k", "1"); !strings.Contains(got, "u0") || !strings.Contains(got, "row 0") {
		t.Errorf("LAION's rows: %s, want url and caption", got)
	}
	if got := c.must("search", "--index", out, "--vector", vector, "-k", "1", "--paths"); got != "u0\n" {
		t.Errorf("--paths of LAION's rows: %q", got)
	}

	photos, moved := writePhotos(t), filepath.Join(dir, "moved")
	embedded, index := filepath.Join(dir, "embedded"), filepath.Join(dir, "embedded.index")
	c.must("embed", photos, "--out", embedded)
	c.must("index", "build", embedded, "--out", index)
	query := []string{"search", "--index", index, "--model", "pixels", "--image", filepath.Join(photos, "p21.png"), "-k", "2", "--paths"}
	if got := c.must(query...); !strings.HasPrefix(got, filepath.Join(photos, "p21.png")+"\n") {
		t.Errorf("--paths of embedded photos: %q", got)
	}
	if err := os.Rename(photos, moved); err != nil {
		t.Fatal(err)
	}
	query[6] = filepath.Join(moved, "p21.png")
	c.refuse([]string{"none of the 2 images is there", "--images-root"}, query...)
	query = append(query, "--images-root", moved)
	if got := c.must(query...); !strings.HasPrefix(got, query[6]+"\n") {
		t.Errorf("--paths at the new place: %q", got)
	}
	second := strings.Split(c.must(query...), "\n")[1]
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := c.run(query...)
	if status != 0 || stdout != query[6]+"\n" || !strings.Contains(stderr, "left out 1 of 2 results") {
		t.Errorf("with a photo gone: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}

	// The page shows them too.
	s := c.serve("--index", index, "--images-root", moved)
	var got searchAnswer
	if status := s.call(&got, "/v1/search", "image/png", query[6]); status != 501 {
		t.Errorf("status %d, want 501: no model is known", status)
	}
	s = c.serve("--index", index, "--images-root", moved, "--model", "pixels")
	if status := s.call(&got, "/v1/search", "image/png", query[6]); status != 200 {
		t.Fatalf("status %d", status)
	}
	response, err := http.Get(s.url + "/" + got.Hits[0].ImageURL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "image/png" {
		t.Errorf("image %q: status %d", got.Hits[0].ImageURL, response.StatusCode)
	}
}
