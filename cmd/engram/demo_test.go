package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/demo"
	"engram/data/vfs"
	"engram/embed/ort/orttest"
)

// tinyDemo is a demo of seconds.
var tinyDemo = demo.Scale{
	Name: "tiny", Gallery: 60, Seen: 48, Test: 12, Zebras: 6, Voxels: 150, Repeats: 3, Epochs: 4, Pixels: 48, Pictures: 2,
}

// newConsole returns a console with the library of this machine and an empty
// cache.
func newConsole(t *testing.T, stdout io.Writer) *console {
	t.Helper()
	return &console{
		streams:   streams{stdout: stdout, stderr: &bytes.Buffer{}, getenv: func(string) string { return "" }},
		cacheFlag: t.TempDir(), libraryFlag: orttest.Runtime(t).Path(), device: "cpu",
	}
}

func TestDemoServes(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	c := newConsole(t, write)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.demo(ctx, demo.Options{Dir: t.TempDir(), Seed: 1, Scale: tinyDemo}, "127.0.0.1:0")
		write.Close()
	}()
	s := &served{t: t}
	var table strings.Builder
	for lines := bufio.NewScanner(read); s.url == "" && lines.Scan(); {
		table.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "http://") {
			s.url = strings.TrimSuffix(lines.Text(), "/")
		}
	}
	for _, part := range []string{"generated: 60 drawn scenes", "simulated, no person was scanned", "scenes-clip 2", "12 test scenes", "6 zebras", "ideal observer", "ridge regression", "together"} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("the table has no %q:\n%s", part, &table)
		}
	}
	var info struct {
		Index   struct{ Name, Data string }
		Decoder struct{ Name, Data string }
		Text    struct{ Suggestions []string }
	}
	s.call(&info, "/v1/info", "", "")
	if !strings.Contains(info.Index.Data, "generated") || !strings.Contains(info.Decoder.Name+info.Decoder.Data, "simulated") {
		t.Errorf("the page says %+v, want generated and simulated", info)
	}
	if len(info.Text.Suggestions) < 3 {
		t.Errorf("the page suggests %q", info.Text.Suggestions)
	}
	for _, words := range info.Text.Suggestions {
		if found := s.words(t, words, 10); len(found) != 10 {
			t.Errorf("%q finds %d scenes", words, len(found))
		}
	}
	query := filepath.Join(t.TempDir(), "query.json")
	writeFile(t, query, []byte(`{"trial": "test-003", "k": 78}`))
	var found struct {
		searchAnswer
		Query struct{ Trial struct{ Item, Seen string } }
		Hits  []struct {
			ID      string
			Payload map[string]any
		}
	}
	if status := s.call(&found, "/v1/search", "application/json", query); status != 200 || len(found.Hits) != 78 {
		t.Fatalf("search by a scan: status %d, %d hits", status, len(found.Hits))
	}
	for _, hit := range found.Hits {
		if hit.ID == found.Query.Trial.Item {
			captions, _ := hit.Payload["captions"].([]any)
			if hit.Payload["path"] != "test/000000000003.png" || len(captions) != 3 || !slices.Contains(captions, any(found.Query.Trial.Seen)) {
				t.Errorf("the scan saw %+v, which is %v", found.Query.Trial, hit.Payload)
			}
			cancel()
		}
	}
	if ctx.Err() == nil {
		t.Errorf("the scene seen, %+v, is none of the items", found.Query.Trial)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}

func TestDemoRefuses(t *testing.T) {
	c := newCLI(t)
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, nil)
	c.refuse([]string{`--scale is "huge", wanted small or large`}, "demo", "--scale", "huge")
	c.refuse([]string{`unknown command "photos" for "engram demo"`}, "demo", "photos")
	c.refuse([]string{"invalid argument \"-1\"", "--seed", "see engram demo --help"}, "demo", "--seed", "-1")
	c.refuse([]string{file, "not a directory"}, "demo", "--out", file)
	c.refuse([]string{"--addr", "nowhere"}, "demo", "--out", t.TempDir(), "--addr", "nowhere")
	c.refuse([]string{"--seeds needs --no-serve"}, "demo", "--seeds", "1,2")
	c.refuse([]string{"--json and --csv need --seeds"}, "demo", "--no-serve", "--json")
	dir := t.TempDir()
	lock, err := vfs.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	c.refuse([]string{"another demo works in " + dir}, "demo", "--no-serve", "--out", dir)
	help := c.must("demo", "--help")
	if !strings.Contains(help, "Examples:\n  engram demo") || !strings.Contains(help, "nobody was scanned") {
		t.Errorf("help is\n%s", help)
	}
}
