package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeAlbum writes the photos of writePhotos, the row as the caption of each, and
// three copies of one.
func writeAlbum(t *testing.T) string {
	t.Helper()
	dir := writePhotos(t)
	for i := range 16 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("p%d%d.txt", i/4, i%4)), fmt.Appendf(nil, "row %d", i/4))
	}
	for i := range 3 {
		writePNG(t, filepath.Join(dir, fmt.Sprintf("copy%d.png", i)), 2*7, 7)
	}
	return dir
}

// foundAnswer is what search prints as JSON.
type foundAnswer struct {
	Hits    []hit
	Next    string
	Bounded bool
}

func (a foundAnswer) names() (names []string) {
	for _, h := range a.Hits {
		names = append(names, filepath.Base(h.Path))
	}
	return names
}

func TestSearchFoldsGroupsAndPages(t *testing.T) {
	c := newCLI(t)
	album, out := writeAlbum(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", album, "--out", out)
	query := []string{"search", "--index", out, "--image", filepath.Join(album, "p12.png")}
	ask := func(flags ...string) (a foundAnswer) {
		t.Helper()
		c.json(&a, append(query, flags...)...)
		return a
	}

	plain := ask("-k", "19")
	if len(plain.Hits) != 19 || plain.Next != "" || plain.Hits[3].Score < .9999 {
		t.Fatalf("found %v, next %q, want 19, four of them alike", plain.names(), plain.Next)
	}
	folded := ask("-k", "4", "--fold")
	if len(folded.Hits) != 4 || len(folded.Hits[0].Folded) != 3 || folded.Hits[1].Score > .99 || folded.Next == "" {
		t.Errorf("with --fold found %+v, want four, the first for three more", folded.Hits)
	}
	if n := len(ask("-k", "19", "--fold-from", ".05").Hits); n >= 16 || n < 1 {
		t.Errorf("with --fold-from .05 found %d", n)
	}

	var pages []string
	for after := []string{}; ; {
		page := ask(append(after, "-k", "7", "--min-score", "0.0")...)
		pages = append(pages, page.names()...)
		if after = []string{"--after", page.Next}; page.Next == "" {
			break
		}
	}
	var above []string
	for i, h := range plain.Hits {
		if h.Score >= 0 {
			above = append(above, plain.names()[i])
		}
	}
	if diff := cmp.Diff(above, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	groups := ask("-k", "3", "--group-by", "caption", "--group-size", "2")
	if len(groups.Hits) != 3 || groups.Hits[0].Group == nil || groups.Hits[0].Group.Value != "row 1" || len(groups.Hits[0].Group.Others) != 1 || groups.Hits[0].Group.Others[0].Rank != 0 {
		t.Errorf("groups %+v", groups.Hits)
	}
	if diverse := ask("-k", "3", "--mmr", ".3"); len(diverse.Hits) != 3 || diverse.Hits[1].Score > .99 || diverse.Next != "" {
		t.Errorf("with --mmr found %v, next %q", diverse.names(), diverse.Next)
	}

	table := strings.Split(c.must(append(query, "-k", "2", "--fold", "--group-by", "caption", "--group-size", "2")...), "\n")
	if len(table) != 6 || strings.Join(strings.Fields(table[0]), " ") != "rank score caption folded path caption" || !strings.HasPrefix(table[2], "   ") {
		t.Errorf("the table is\n%s", strings.Join(table, "\n"))
	}
	_, stderr, status := c.run(append(query, "-k", "2", "--after", ask("-k", "2").Next)...)
	if status != 0 || !strings.HasPrefix(stderr, "next page: --after ") {
		t.Errorf("a page in a table says %q, status %d", stderr, status)
	}
	if _, stderr, _ := c.run(append(query, "--group-by", "nothing")...); !strings.Contains(stderr, `"nothing"`) {
		t.Errorf("groups by a key that no image has: stderr %q", stderr)
	}
}

func TestSearchRefusesWhatItCannotShow(t *testing.T) {
	c := newCLI(t)
	album, out := writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", album, "--out", out)
	query := []string{"search", "--index", out, "--image", filepath.Join(album, "p12.png")}
	var first foundAnswer
	c.json(&first, append(query, "-k", "2")...)
	for flags, want := range map[string]string{
		"--fold-from 3": "--fold-from is 3", "--fold-from NaN": "--fold-from", "--mmr 2": "lambda of 2", "--mmr .5 --group-by x": "--mmr and --group-by are given, wanted one",
		"--mmr .5 --after x": "--mmr and --after are given, wanted one", "--after zzz": `"zzz" is no cursor`, "--after=": "--after is empty", "--group-by=": "--group-by is empty",
		"--group-size 2": "without the payload key", "--group-size 0": "--group-size is 0", "--min-score 7": "least score of 7",
		"--mmr-candidates 9": "for --mmr", "--mmr .5 --mmr-candidates 3": "3 candidates", "--fold --after " + first.Next: "another search",
	} {
		c.refuse([]string{want}, append(query, strings.Fields(flags)...)...)
	}
}
