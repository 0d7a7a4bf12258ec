package hub_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// random returns n bytes that no compression makes shorter.
func random(n int) []byte {
	source := rand.NewChaCha8(sha256.Sum256([]byte{byte(n)}))
	content := make([]byte, n)
	_, _ = source.Read(content)
	return content
}

// files are the files of the repository of most tests.
var files = fstest.MapFS{
	"config.json":                  {Data: []byte(`{"model_type": "clip"}`)},
	"onnx/vision_model.onnx":       {Data: random(300_000)},
	"onnx/text model#1.onnx":       {Data: random(200_000)},
	"onnx/vision_model.onnx_data":  {Data: random(400_000)},
	"empty.txt":                    {Data: nil},
	"Constant_2700_attr__value.%2": {Data: []byte("weights")},
}

const name = "owner/clip"

// newServer returns a server of one repository with files.
func newServer(t testing.TB) *hubtest.Server {
	return hubtest.New(t, hubtest.Repo{Name: name, Files: files, Licence: "mit"})
}

// newClient returns a client of the server that waits little.
func newClient(t testing.TB, s *hubtest.Server, change ...func(*hub.Options)) *hub.Client {
	t.Helper()
	opts := hub.Options{Patience: hub.Patience{FirstWait: time.Millisecond, LongestWait: 2 * time.Second, Stall: 5 * time.Second}}
	if s != nil {
		opts.Endpoint = s.URL
	}
	for _, c := range change {
		c(&opts)
	}
	client, err := hub.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// paths are the paths of files.
var paths = []string{"config.json", "onnx/vision_model.onnx", "onnx/text model#1.onnx", "onnx/vision_model.onnx_data", "empty.txt", "Constant_2700_attr__value.%2"}

// wantFiles fails unless dir holds the files at paths and nothing else.
func wantFiles(t testing.TB, dir string, paths ...string) {
	t.Helper()
	for _, p := range paths {
		content, err := os.ReadFile(filepath.Join(dir, p))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(content, files[p].Data) {
			t.Errorf("%s has %d bytes that are not the wanted %d", p, len(content), len(files[p].Data))
		}
	}
	found := 0
	_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found++
		}
		return err
	})
	if found != len(paths) {
		t.Errorf("the folder has %d files, want %d", found, len(paths))
	}
	if _, err := os.Stat(filepath.Join(dir, ".download")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of downloads under way was left: %v", err)
	}
}

func TestFetchPutsFilesInAFolder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := newClient(t, s)
	snap, err := c.Resolve(t.Context(), name, "")
	if err != nil {
		t.Fatal(err)
	}
	if snap.Commit != s.Commit(name, "main") || snap.Licence != "mit" || snap.Gated || snap.Private || len(snap.Files) != len(files) {
		t.Errorf("the snapshot is %+v", snap)
	}
	dir := filepath.Join(t.TempDir(), "new")
	placed, err := c.Fetch(t.Context(), snap, paths, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, paths...)
	for i, p := range placed {
		if p.How != hub.Downloaded || p.File.Path != paths[i] {
			t.Errorf("%s was %s, want downloaded", p.File.Path, p.How)
		}
	}
	before := len(s.Requests())
	placed, err = c.Fetch(t.Context(), snap, paths, dir, nil)
	if err != nil || placed[1].How != hub.Present || len(s.Requests()) != before {
		t.Errorf("the second time: %v, %+v, %d requests", err, placed[1], len(s.Requests())-before)
	}
	text, err := c.Read(t.Context(), snap, "config.json")
	if err != nil || string(text) != `{"model_type": "clip"}` {
		t.Errorf("Read returns %q, %v", text, err)
	}
}
