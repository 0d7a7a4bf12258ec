package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/copyindex"
	"engram/index/ingest"
	"engram/index/source"
)

// names returns the names of the rows that the items of an index were made from.
func names(t *testing.T, dir string) map[string]index.ID {
	t.Helper()
	found := map[string]index.ID{}
	for id, item := range items(t, dir) {
		found[source.NameOf(item)] = id
	}
	return found
}

// Several folders make one index, in one build or one after another, or by a copy.
// Their ids do not collide, and the first has the ids that it would have alone.
func TestSeveralFoldersMakeOneIndex(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for i, name := range []string{"A/1.png", "A/2.png", "B/1.png", "B/sub/1.png", "more/B/1.png"} {
		writePNG(t, at(name), 8+i, 9)
	}
	var r ingest.Report
	c.json(&r, "index", "build", at("A"), "--out", at("alone"))
	c.json(&r, "index", "build", at("A"), at("B"), at("more/B"), "--out", at("together"))
	want := []string{"1.png", "2.png", "B//1.png", "B//sub/1.png", "B-2//1.png"}
	got := names(t, at("together"))
	for _, name := range want {
		if _, found := got[name]; !found || len(got) != len(want) {
			t.Errorf("items are %v, want %q", got, want)
			break
		}
	}
	for name, id := range names(t, at("alone")) {
		if got[name] != id {
			t.Errorf("%s has id %d, alone it has %d", name, got[name], id)
		}
	}
	if len(r.Sources) != 3 || r.Sources[2].Label != "B-2" || r.Sources[1].Photos != 2 {
		t.Errorf("sources are %+v", r.Sources)
	}

	// Each source has its own picture of the name that both have.
	for label, photo := range map[string]string{"": "A/1.png", "B": "B/1.png", "B-2": "more/B/1.png"} {
		id := got["1.png"]
		if label != "" {
			id = got[label+"//1.png"]
		}
		hits := c.must("search", "--index", at("together"), "--image", at(photo), "-k", "5", "--json")
		if !strings.Contains(hits, fmt.Sprintf("%q: %q", "id", fmt.Sprint(id))) || !strings.Contains(hits, fmt.Sprintf("%q: %q", "path", at(photo))) {
			t.Errorf("the hits do not have %s: %s", photo, hits)
		}
	}

	s := c.serve("--index", at("together"))
	for name, photo := range map[string]string{"1.png": "A/1.png", "B//1.png": "B/1.png", "B-2//1.png": "more/B/1.png"} {
		want, err := os.ReadFile(at(photo))
		if err != nil {
			t.Fatal(err)
		}
		if served := s.image(got[name]); !bytes.Equal(served, want) {
			t.Errorf("the picture of %s is %d bytes, want %s of %d", name, len(served), photo, len(want))
		}
	}

	// A second build adds a source, and a third one knows it.
	out := c.must("index", "build", at("B"), "--out", at("alone"))
	if !strings.Contains(out, "source: "+at("B")+" is added to the index of "+at("A")+", as B\n") {
		t.Errorf("a build that adds a source prints %q", out)
	}
	c.json(&r, "index", "build", at("more/B"), "--out", at("alone"), "--prune")
	if diff := cmp.Diff(names(t, at("together")), names(t, at("alone"))); diff != "" {
		t.Errorf("one after another (-together +alone):\n%s", diff)
	}
	if err := os.Remove(at("B/1.png")); err != nil {
		t.Fatal(err)
	}
	r = ingest.Report{}
	c.json(&r, "index", "build", at("B"), "--out", at("alone"), "--prune")
	if r.Deleted != 1 || r.Skipped != 1 || len(items(t, at("alone"))) != 4 {
		t.Errorf("a build of one source of three: %+v with %d items, want one deleted and the others left alone", r, len(items(t, at("alone"))))
	}
	if text := c.must("index", "verify", at("alone")); !strings.Contains(text, "4 sampled ones, made again") {
		t.Errorf("verify prints\n%s", text)
	}

	// A copy adds, too, and a second one finds everything there.
	c.must("index", "build", at("more/B"), "--out", at("single"))
	var copied copyindex.Report
	c.json(&copied, "index", "copy", at("single"), at("together"))
	if copied.Unchanged != 1 || copied.Added != 0 {
		t.Errorf("a copy of a source that is there: %+v", copied)
	}
	c.must("index", "build", at("A"), "--out", at("copies"))
	for _, added := range []int{1, 0} {
		copied = copyindex.Report{}
		c.json(&copied, "index", "copy", at("single"), at("copies"))
		if copied.Added != added || len(items(t, at("copies"))) != 3 {
			t.Errorf("a copy that adds: %+v with %d items, want %d added of 3", copied, len(items(t, at("copies"))), added)
		}
	}
	c.must("index", "verify", at("copies"))
	c.refuse([]string{"wanted different sources, found " + at("A") + " twice"}, "index", "build", at("A"), at("A"), "--out", at("alone"))
}

// image returns the picture of an item.
func (s *served) image(id index.ID) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, fmt.Sprintf("%s/v1/items/%d/image", s.url, id), http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

// Photos that have moved keep their ids and vectors, by relocate or by a build from
// the new place.
func TestPhotosThatMoved(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for i := range 5 {
		writePNG(t, at(fmt.Sprintf("old/%d.png", i)), 8+i, 9)
	}
	writePNG(t, at("other/x.png"), 3, 3)
	c.must("index", "build", at("old"), "--out", at("index"))
	before := items(t, at("index"))
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(at(from), at(to)); err != nil {
			t.Fatal(err)
		}
	}
	move("old", "new")
	c.refuse([]string{"has 0 of 5 files", "wanted half or more", "is not there, as it was in " + at("old")}, "index", "relocate", at("index"), at("other"))
	if out := c.must("index", "relocate", at("index"), at("new")); out != "what was in "+at("old")+" is in "+at("new")+" now: 5 of 5 files looked for are there\n" {
		t.Errorf("relocate prints %q", out)
	}
	var r ingest.Report
	c.json(&r, "index", "build", at("new"), "--out", at("index"))
	if r.Skipped != 1 || r.Encoded != 0 {
		t.Errorf("a build from the new place: %+v, want nothing to do", r)
	}
	move("new", "newer")
	out := c.must("index", "build", at("newer"), "--out", at("index"))
	if !strings.Contains(out, "source: what was in "+at("new")+" is in "+at("newer")+" now: 5 of 5 files looked for are there\n") || !strings.Contains(out, "stored 0") {
		t.Errorf("a build from the new place prints %q", out)
	}
	if diff := cmp.Diff(before, items(t, at("index"))); diff != "" {
		t.Errorf("items have changed (-before +after):\n%s", diff)
	}
	c.must("index", "verify", at("index"))
}
