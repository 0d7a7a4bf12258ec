package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"engram/index"
	"engram/index/ingest"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	"github.com/google/go-cmp/cmp"
)

func startQdrant(t *testing.T, opts double.Options) string {
	t.Helper()
	server, err := double.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "qdrant://" + server.Addr()
}

// onServers runs a test on a double, and on a real server where the environment
// names one. The collections whose addresses it asks for are dropped at the end.
func onServers(t *testing.T, test func(t *testing.T, c *cli, collection func(name string) string)) {
	t.Run("double", func(t *testing.T) {
		server := startQdrant(t, double.Options{})
		test(t, newCLI(t), func(name string) string { return server + "/" + name })
	})
	t.Run("server", func(t *testing.T) {
		addr := os.Getenv("ENGRAM_TEST_QDRANT")
		if addr == "" {
			t.Skip("SKIPPED, no server: set ENGRAM_TEST_QDRANT to host:port of a Qdrant server's gRPC service, and ENGRAM_TEST_QDRANT_API_KEY where it wants a key")
		}
		c := newCLI(t)
		c.env = map[string]string{"ENGRAM_QDRANT_API_KEY": os.Getenv("ENGRAM_TEST_QDRANT_API_KEY")}
		prefix := fmt.Sprintf("test-%d-", time.Now().UnixNano())
		test(t, c, func(name string) string {
			opts := qdrant.Options{Addr: addr, APIKey: c.env["ENGRAM_QDRANT_API_KEY"], Collection: prefix + name, Fixed: true}
			t.Cleanup(func() {
				store, err := qdrant.Open(context.Background(), opts)
				if err == nil {
					err = errors.Join(store.Drop(context.Background()), store.Close())
				}
				if err != nil && !errors.Is(err, index.ErrNotFound) { // dropped by its alias
					t.Errorf("drop %s: %v", opts.Collection, err)
				}
			})
			return "qdrant://" + addr + "/" + prefix + name
		})
	})
}

// A text that a collection cannot keep costs the item that has it, and no other.
func TestTextsThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	files := sampleFiles(t, filepath.Join(writePhotos(t), "p12.png"))
	tars := t.TempDir()
	writeFile(t, filepath.Join(tars, "0.tar"), tarOf(t, append(sampleKeys(0, 100), "k\xff", "k\xfe"), files))
	writeFile(t, filepath.Join(tars, "1.tar"), tarOf(t, sampleKeys(200, 50), files))
	onServers(t, func(t *testing.T, c *cli, collection func(string) string) {
		folder := filepath.Join(t.TempDir(), "index")
		c.must("index", "build", tars, "--out", folder)
		built, copied := collection("built"), collection("copied")
		var r ingest.Report
		c.json(&r, "index", "build", tars, "--out", built)
		if r.Stored != 150 || r.Unusable != 2 || len(r.Bad) != 2 || !strings.Contains(r.Bad[0].Reason, `"key"`) || !strings.Contains(r.Bad[0].Reason, "is not UTF-8") {
			t.Errorf("build: %+v, want 150 stored and two bad for their keys", r)
		}
		for _, want := range []string{"152 items: added 150, changed 0, unchanged 0, ", "152 items: added 0, changed 0, unchanged 150, "} {
			stdout, stderr, status := c.run("index", "copy", folder, copied)
			if status != 1 || !strings.HasPrefix(stdout, want) {
				t.Errorf("copy: status %d, prints %q; want 1 and %q", status, stdout, want)
			}
			for _, line := range []string{`refused "0.tar/k\xff": `, `refused "0.tar/k\xfe": `, "engram: copy: 2 of 152 items could not be copied, all others were: refused by the target\n"} {
				if !strings.Contains(stderr, line) {
					t.Errorf("copy: stderr is %q, want %q in it", stderr, line)
				}
			}
		}
		if out := c.must("index", "copy", built, copied); !strings.HasPrefix(out, "150 items: added 0, changed 0, unchanged 150, extra 0 ") {
			t.Errorf("the copy is not what was built: %s", out)
		}
		c.must("index", "verify", copied)

		// A join leaves it to a later build to say what is bad.
		parts, joined := []string{filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")}, collection("joined")
		for i, part := range parts {
			c.must("index", "build", tars, "--out", part, "--part", fmt.Sprintf("%d/2", i+1))
		}
		_, stderr, status := c.run("index", "join", parts[0], parts[1], "--out", joined)
		if want := parts[0] + ": copy: 2 of 102 items could not be copied"; status != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, `refused "0.tar/k\xff": `) {
			t.Errorf("join: status %d, stderr %q; want 1, the items and %q", status, stderr, want)
		}
		r = ingest.Report{}
		c.json(&r, "index", "build", tars, "--out", joined)
		if r.Stored != 0 || r.Unchanged != 150 || r.Unusable != 2 {
			t.Errorf("a build after the join: %+v, want 150 unchanged and two bad", r)
		}
	})
}

func TestCollectionAnswersLikeTheFolder(t *testing.T) {
	c := newCLI(t)
	c.env = map[string]string{"ENGRAM_QDRANT_API_KEY": "secret"}
	photos, dir := writePhotos(t), t.TempDir()
	folder, back := filepath.Join(dir, "index"), filepath.Join(dir, "back")
	collection := startQdrant(t, double.Options{APIKey: "secret"}) + "/photos"
	c.must("index", "build", photos, "--out", folder)
	c.must("index", "copy", folder, collection)
	c.must("index", "copy", collection, back)
	query := []string{"--image", filepath.Join(photos, "p12.png"), "-k", "1", "--paths"}
	want := c.must(append([]string{"search", "--index", folder}, query...)...)
	if !strings.Contains(want, photos) {
		t.Errorf("search prints %s, want paths of images in %s", want, photos)
	}
	for _, index := range []string{collection, back} {
		// Model and images are where the collection says.
		if got := c.must(append([]string{"search", "--index", index}, query...)...); got != want {
			t.Errorf("search in %s (-folder +it):\n%s", index, cmp.Diff(want, got))
		}
		if out, _, status := c.run("index", "verify", index); status != 0 {
			t.Error(out)
		}
	}
	others := t.TempDir()
	writePNG(t, filepath.Join(others, "x.png"), 1, 2)
	c.must("index", "build", others, "--out", filepath.Join(dir, "others"))
	c.refuse([]string{"index of " + photos, "--prune would delete"}, "index", "copy", filepath.Join(dir, "others"), collection, "--prune")
	added := c.must("index", "copy", filepath.Join(dir, "others"), collection)
	if !strings.HasPrefix(added, "source: "+others+" is added to the index of "+photos+", as ") || !strings.Contains(added, "1 items: added 1") {
		t.Errorf("a copy that adds prints %q", added)
	}
	c.refuse([]string{"no such index"}, "search", "--index", collection+"2", "--item", "1")
	c.env["ENGRAM_QDRANT_API_KEY"] = "wrong"
	c.refuse([]string{"refuses the API key"}, "search", "--index", collection, "--item", "1")
}

func TestBuildIntoCollection(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	photos, dir := writePhotos(t), t.TempDir()
	folder, server := filepath.Join(dir, "index"), startQdrant(t, double.Options{})
	c.must("index", "build", photos, "--out", folder)
	var first, second struct{ Stored int }
	c.json(&first, "index", "build", photos, "--out", server+"/photos")
	c.json(&second, "index", "build", photos, "--out", server+"/photos")
	for name, want := range map[string]string{"photos": "0 to read, 1 unchanged\n", "nowhere": "1 to read, 0 unchanged\n"} {
		if out := c.must("index", "build", photos, "--out", server+"/"+name, "--dry-run"); !strings.HasPrefix(out, "shards  "+want) {
			t.Errorf("a dry run into %s prints %q, want %q", name, out, want)
		}
	}
	if first.Stored != 16 || second.Stored != 0 {
		t.Errorf("the first build stored %d and the second %d, want 16 and 0", first.Stored, second.Stored)
	}
	copied := c.must("index", "copy", folder, server+"/photos")
	if !strings.HasPrefix(copied, "16 items: added 0, changed 0, unchanged 16, extra 0 ") {
		t.Errorf("copy prints %q, want the collection to be as the folder", copied)
	}
	c.must("index", "build", photos, "--out", server+"/again") // nobody takes the first for it
	if out := c.must("index", "copy", folder, server+"/again"); !strings.Contains(out, "unchanged 16") {
		t.Errorf("copy prints %q, want the second collection to be as the folder", out)
	}
	others := t.TempDir()
	writePNG(t, filepath.Join(others, "x.png"), 1, 2)
	if out := c.must("index", "build", others, "--out", server+"/photos"); !strings.HasPrefix(out, "source: "+others+" is added to the index of "+photos+", as ") {
		t.Errorf("a build that adds prints %q", out)
	}
	c.refuse([]string{"index unavailable"}, "index", "build", others, "--out", "qdrant://127.0.0.1:1/photos", "--dry-run")
	c.refuse([]string{"/photos is a collection, wanted the folder of a part"}, "index", "join", server+"/photos", "--out", server+"/joined")
	c.refuse([]string{folder + " is a whole index and no part of one"}, "index", "join", folder, "--out", server+"/joined")
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // accepts, and says nothing
	for name, addr := range map[string]string{"nobody listens": "127.0.0.1:1", "no answer": listener.Addr().String()} {
		began := time.Now()
		c.refuse([]string{"index unavailable"}, "search", "--index", "qdrant://"+addr+"/photos", "--item", "1")
		c.refuse([]string{addr}, "serve", "--index", "qdrant://"+addr+"/photos")
		if took := time.Since(began); took > 40*time.Second { // two deadlines of 5 s, on a busy machine
			t.Errorf("%s: it took %v", name, took)
		}
	}
}
