package main

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"engram/index/ingest"
	"engram/index/open"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	"github.com/google/go-cmp/cmp"
)

// An index is rebuilt under an alias that is served all the while.
func TestSwitchWhileServing(t *testing.T) {
	onServers(t, func(t *testing.T, c *cli, collection func(string) string) {
		photos := writePhotos(t)
		first, second, alias := collection("photos-1"), collection("photos-2"), collection("photos")
		name := path.Base(alias)
		c.must("index", "build", photos, "--out", first)
		out := c.must("index", "switch", first, "--alias", name)
		if want := name + " is " + path.Base(first) + " (16 items); it was nothing before\n"; out != want {
			t.Errorf("switch prints %q, want %q", out, want)
		}
		fresh := filepath.Join(photos, "new.png")
		writePNG(t, fresh, 5, 17)
		s := c.serve("--index", alias)
		nearest := func() any {
			t.Helper()
			var got searchAnswer
			if status := s.call(&got, "/v1/search", "image/png", fresh); status != 200 || len(got.Hits) == 0 {
				t.Fatalf("search: status %d, %s", status, got.Detail)
			}
			return got.Hits[0].Payload["path"]
		}
		c.must("index", "build", photos, "--out", second)
		if file := nearest(); file == "new.png" {
			t.Error("the new image is found before the switch")
		}
		out = c.must("index", "switch", second, "--alias", name)
		if want := name + " is " + path.Base(second) + " (17 items); before, it was " + path.Base(first) + " (16 items)\n"; out != want {
			t.Errorf("switch prints %q, want %q", out, want)
		}
		if file := nearest(); file != "new.png" {
			t.Errorf("after the switch, %v is found, want new.png", file)
		}
		if out := c.must("search", "--index", alias, "--image", fresh, "-k", "1", "--paths"); out != fresh+"\n" {
			t.Errorf("search in the alias prints %q, want %q", out, fresh)
		}
		var again open.Switched
		c.json(&again, "index", "switch", second, "--alias", name)
		want := open.Switched{Alias: name, Collection: path.Base(second), Items: 17, Before: path.Base(second), BeforeItems: 17}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("a switch to where it was (-want +got):\n%s", diff)
		}

		// What is written to the alias goes into the collection.
		writePNG(t, filepath.Join(photos, "newer.png"), 9, 3)
		var r ingest.Report
		c.json(&r, "index", "build", photos, "--out", alias)
		if r.Stored != 1 {
			t.Errorf("a build into the alias: %+v, want one stored", r)
		}
		c.must("index", "verify", alias)
		if out := c.must("index", "copy", second, alias); !strings.HasPrefix(out, "18 items: added 0, changed 0, unchanged 18, ") {
			t.Errorf("copy of the collection to its alias prints %q", out)
		}
		if out := c.must("index", "copy", alias, first); !strings.HasPrefix(out, "18 items: added 2, changed 0, unchanged 16, ") {
			t.Errorf("copy of the alias prints %q", out)
		}
	})
}

func TestSwitchRefuses(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	server, photos, folder := startQdrant(t, double.Options{}), writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", folder)
	c.must("index", "copy", folder, server+"/photos-1")
	for _, name := range []string{"small", "other"} { // of one dimension
		wrapped := filepath.Join(t.TempDir(), name)
		c.must("model", "import", pixelsModel(t), "--out", wrapped, "--name", name)
		c.must("index", "build", photos, "--model", wrapped, "--out", server+"/"+name)
	}
	c.must("index", "switch", server+"/photos-1", "--alias", "photos")

	to := server + "/photos-1"
	c.refuse([]string{"photos is photos-1 with vectors of 1024 elements, those of small have 256", "--force"}, "index", "switch", server+"/small", "--alias", "photos")
	c.refuse([]string{"photos-1 is the name of a collection", "unusable alias"}, "index", "switch", server+"/small", "--alias", "photos-1")
	c.refuse([]string{"photos-1 is the name of a collection"}, "index", "switch", to, "--alias", "photos-1")
	c.refuse([]string{"/photos is an alias itself, of collection photos-1"}, "index", "switch", server+"/photos", "--alias", "pictures")
	c.refuse([]string{folder + " is a folder", "wanted qdrant://"}, "index", "switch", folder, "--alias", "photos")
	c.refuse([]string{"no such index"}, "index", "switch", server+"/nowhere", "--alias", "photos")
	c.refuse([]string{"index unavailable"}, "index", "switch", "qdrant://127.0.0.1:1/photos-1", "--alias", "photos")
	c.refuse([]string{"the alias is empty"}, "index", "switch", to, "--alias", "")
	c.refuse([]string{`the alias "a/b" has a '/' in it`}, "index", "switch", to, "--alias", "a/b")
	c.refuse([]string{"wanted --alias, not given"}, "index", "switch", to)
	c.refuse([]string{"wanted one --alias, found 2"}, "index", "switch", to, "--alias", "a", "--alias", "b")
	c.refuse([]string{"wanted a collection, found 2 arguments"}, "index", "switch", to, to, "--alias", "a")

	opts := qdrant.Options{Addr: strings.TrimPrefix(server, "qdrant://"), Collection: "photos-2"}
	c.must("index", "copy", folder, server+"/photos-2")
	loading, err := qdrant.Open(t.Context(), opts)
	if err == nil {
		err = loading.BeginBulk(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{"photos-2 is being loaded", "--force"}, "index", "switch", server+"/photos-2", "--alias", "pictures")
	c.must("index", "switch", server+"/photos-2", "--alias", "pictures", "--force")
	if err := loading.Close(); err != nil {
		t.Fatal(err)
	}
	c.must("index", "switch", server+"/photos-2", "--alias", "pictures")

	// How many items are in a collection of others nobody knows.
	opts.Collection, opts.Vector = "foreign", "theirs"
	foreign, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: 3})
	if err == nil {
		_, err = foreign.TakeAlias(t.Context(), "others")
		err = errors.Join(err, foreign.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.refuse([]string{`no vectors named "cls"`}, "index", "switch", to, "--alias", "others")
	if out := c.must("index", "switch", to, "--alias", "others", "--force"); out != "others is photos-1 (16 items); before, it was foreign\n" {
		t.Errorf("switch of an alias of others prints %q", out)
	}

	if out := c.must("index", "switch", server+"/small", "--alias", "photos", "--force"); out != "photos is small (16 items); before, it was photos-1 (16 items)\n" {
		t.Errorf("switch --force prints %q", out)
	}
	c.refuse([]string{"photos is small of model small 1 (", "other is of model other 1 (", "--force"}, "index", "switch", server+"/other", "--alias", "photos")
}
