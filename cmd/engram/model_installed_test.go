package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files that Python's huggingface_hub has fetched are used without a network.
func TestTheHuggingFaceCacheIsUsed(t *testing.T) {
	t.Parallel()
	const commit = "0123456789abcdef0123456789abcdef01234567"
	c := newCLI(t)
	home := t.TempDir()
	c.env = map[string]string{"HF_HOME": home, "HF_HUB_OFFLINE": "1"}
	folder := filepath.Join(home, "hub", "models--test--siglip2")
	if err := os.CopyFS(filepath.Join(folder, "snapshots", commit), os.DirFS(filepath.Join(published, "siglip2"))); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "refs", "main"), []byte(commit))
	c.says([]string{"fetching hf:test/siglip2", "at commit 0123456789ab, licence not stated"}, "model", "get", "hf:test/siglip2")
	var shown struct {
		Dir, Fingerprint string
		Manifest         struct{ Source string }
	}
	c.json(&shown, "model", "show", "siglip2")
	if shown.Manifest.Source != "hf:test/siglip2@"+commit {
		t.Errorf("the source is %s", shown.Manifest.Source)
	}
	here, err := os.Stat(filepath.Join(shown.Dir, "onnx", "text_model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.Stat(filepath.Join(folder, "snapshots", commit, "onnx", "text_model.onnx"))
	if err != nil || !os.SameFile(here, there) {
		t.Errorf("the graph was copied (%v)", err)
	}
	// A file that is damaged in the cache is named.
	c.must("model", "remove", "siglip2")
	blob := filepath.Join(folder, "snapshots", commit, "onnx", "text_model.onnx")
	writeFile(t, filepath.Join(folder, "blobs", strings.Repeat("a", 64)), []byte("damaged"))
	if err := errors.Join(os.Remove(blob), os.Symlink(filepath.Join("..", "..", "..", "blobs", strings.Repeat("a", 64)), blob)); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := c.run("model", "get", "hf:test/siglip2"); status != 1 || !strings.Contains(stderr, "engram: hub: test/siglip2: onnx/text_model.onnx is neither in") || !strings.Contains(stderr, "nor whole in the cache") {
		t.Errorf("a get from a damaged cache: status %d, %q", status, stderr)
	}
	// With a network it is the same model, although only the hub states the licence.
	online := repo("siglip2")
	online.Commit = commit
	fetched, _ := newHub(t, online)
	var other struct{ Fingerprint string }
	fetched.must("model", "get", "hf:test/siglip2")
	fetched.json(&other, "model", "show", "siglip2")
	if other.Fingerprint != shown.Fingerprint || shown.Fingerprint == "" {
		t.Errorf("the fingerprint is %s from the hub and %s from the cache", other.Fingerprint, shown.Fingerprint)
	}
}

// A model of images alone is not taken for the one with the text graph of another
// repository.
func TestGetTellsTextGraphsApart(t *testing.T) {
	t.Parallel()
	c, _ := newHub(t, repo("fastembed-vision"), repo("fastembed-text"))
	c.says([]string{"the image tower alone", "--text"}, "model", "get", "hf:test/fastembed-vision", "--as", "pictures")
	whole := []string{"model", "get", "hf:test/fastembed-vision", "--text", "hf:test/fastembed-text"}
	c.refuse([]string{"pictures is installed and comes from hf:test/fastembed-vision@", "wanted hf:test/fastembed-vision with the text graph of hf:test/fastembed-text"},
		append(whole, "--as", "pictures")...)
	c.must(append(whole, "--as", "words")...)
	if out := c.must(append(whole, "--as", "words")...); !strings.Contains(out, "words is installed already") {
		t.Errorf("a second get prints %q", out)
	}
}

// What is here already, under a name that nobody publishes, is said to be here.
func TestGetOfWhatIsHere(t *testing.T) {
	t.Parallel()
	c, _ := newHub(t, repo("transformers-js"))
	c.must("model", "get", "hf:test/transformers-js", "--as", "mine")
	for _, name := range []string{"mine", "pixels", "scenes-clip"} {
		if out := c.must("model", "get", name); !strings.HasPrefix(out, name+" is installed already") {
			t.Errorf("model get %s prints %q", name, out)
		}
	}
}
