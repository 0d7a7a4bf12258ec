package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/demo"
	"engram/data/progress"
	"engram/data/vfs"
	"engram/embed/dataset"
	"engram/embed/ort/orttest"

	"github.com/google/go-cmp/cmp"
)

// tinyDemo is a demo of seconds.
var tinyDemo = demo.Scale{
	Name: "tiny", Gallery: 60, Seen: 48, Test: 12, Zebras: 6, Voxels: 150, Repeats: 3, Epochs: 4, Pixels: 48, Pictures: 2,
}

// newApp returns an app with the library of this machine and an empty cache.
func newApp(t *testing.T, stdout io.Writer) *console {
	t.Helper()
	return &console{
		streams:   streams{stdout: stdout, stderr: &bytes.Buffer{}, getenv: func(string) string { return "" }},
		cacheFlag: t.TempDir(), libraryFlag: orttest.Runtime(t).Path(), device: "cpu",
	}
}

// runTiny runs the tiny demo in a folder.
func runTiny(t *testing.T, c *console, dir string, seed uint64) (*demo.Result, error) {
	t.Helper()
	return demo.Run(t.Context(), c.app(), demo.Options{Dir: dir, Seed: seed, Scale: tinyDemo}, nil)
}

// markers returns, for each complete stage in a folder, its marker.
func markers(t *testing.T, dir string) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "done.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(path))] = info.ModTime().String()
	}
	return out
}

func TestDemoIsMadeOnceAndTheSameEverywhere(t *testing.T) {
	t.Parallel()
	a := newApp(t, io.Discard)
	dir := t.TempDir()
	first, err := runTiny(t, a, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Report.Scores) != 12 || len(first.Trials) != 18 || len(first.Report.Stages) != 7 {
		t.Fatalf("%d scores, %d scans, %d stages, want 12, 18 and 7", len(first.Report.Scores), len(first.Trials), len(first.Report.Stages))
	}
	for _, s := range first.Report.Scores {
		if s.Decoder == "ideal observer" && s.Set == "test" && s.Repeats == 3 && s.Image.Share < .9 {
			t.Errorf("the ideal observer finds %v of %d scenes", s.Image, s.Choices)
		}
	}
	last := first.Trials[17]
	if len(last.Repeats) != 3 || len(last.Repeats[0]) != 150 || last.Path != "zebras/000000000006.png" || !strings.Contains(last.Seen, "zebra") {
		t.Errorf("the last scan is of %s (%s), %d repeats", last.Path, last.Seen, len(last.Repeats))
	}
	made := markers(t, dir)
	again, err := runTiny(t, a, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, markers(t, dir)); diff != "" || len(made) != 7 {
		t.Errorf("a second run made stages again:\n%s", diff)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("a second run (-first +second):\n%s", diff)
	}
	tars := t.TempDir()
	other, err := demo.Run(t.Context(), a.app(), demo.Options{Dir: t.TempDir(), Seed: 1, Scale: tinyDemo, MindEye: tars}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkExport(t, tars)
	if diff := cmp.Diff(first.Report.Scores, other.Report.Scores); diff != "" {
		t.Errorf("the same seed in another folder:\n%s", diff)
	}
	if _, err := runTiny(t, a, dir, 2); err != nil {
		t.Fatal(err)
	}
	if left := markers(t, dir); len(left) != 7 || cmp.Equal(made, left) {
		t.Errorf("after the demo of another seed its 7 stages are to be left, found %v", left)
	}
}

// checkExport wants the scans of the tiny demo in MindEye's layout: of 48 scenes
// for training, and of 12 test scenes and 6 zebras.
func checkExport(t *testing.T, dir string) {
	t.Helper()
	m := dataset.MindEye{Dir: dir}
	training, err := m.Training()
	if err != nil {
		t.Fatal(err)
	}
	test, err := m.Test()
	if err != nil {
		t.Fatal(err)
	}
	if training.Samples != 48 || training.Voxels.Rows != 144 || test.Samples != 18 || test.Voxels.Rows != 54 || test.Voxels.Cols != 150 {
		t.Errorf("exported %s and %s", training, test)
	}
	if img, err := test.Stimuli.Read(0); err != nil || img.W != 48 {
		t.Errorf("the first test scene is %v, %v", img, err)
	}
	about, err := os.ReadFile(filepath.Join(dir, "dataset.json"))
	if err != nil || !strings.Contains(string(about), `"simulated": true`) {
		t.Errorf("dataset.json is %s, %v; want it to say that the data is simulated", about, err)
	}
}

// A demo is interrupted in each of its steps, and then completed.
func TestDemoResumes(t *testing.T) {
	t.Parallel()
	a := newApp(t, io.Discard)
	whole, err := runTiny(t, a, t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, step := range []string{"drawing scenes", "embedding scenes", "making the subject", "simulating scans", "training the decoder"} {
		ctx, cancel := context.WithCancel(t.Context())
		watch := func(r progress.Report) {
			if r.Stage == step && r.Done > 0 {
				cancel()
			}
		}
		_, err := demo.Run(ctx, a.app(), demo.Options{Dir: dir, Seed: 3, Scale: tinyDemo}, watch)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted %s: error is %v", step, err)
		}
	}
	if n := len(markers(t, dir)); n != 4 {
		t.Errorf("after an interrupted training %d stages are complete, want 4", n)
	}
	resumed, err := runTiny(t, a, dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Report.Scores, resumed.Report.Scores); diff != "" {
		t.Errorf("scores (-whole +resumed):\n%s", diff)
	}
}

func TestDemoServes(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	a := newApp(t, write)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- a.demo(ctx, demo.Options{Dir: t.TempDir(), Seed: 1, Scale: tinyDemo}, "127.0.0.1:0")
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
	for _, part := range []string{"generated: 60 drawn scenes", "simulated, no person was scanned", "scenes-clip 1", "12 test scenes", "6 zebras", "ideal observer", "ridge regression", "together"} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("the table has no %q:\n%s", part, &table)
		}
	}
	var info struct {
		Index   struct{ Name, Data string }
		Decoder struct{ Name, Data string }
	}
	s.call(&info, "/v1/info", "", "")
	if !strings.Contains(info.Index.Data, "generated") || !strings.Contains(info.Decoder.Name+info.Decoder.Data, "simulated") {
		t.Errorf("the page says %+v, want generated and simulated", info)
	}
	query := filepath.Join(t.TempDir(), "query.json")
	writeFile(t, query, []byte(`{"trial": "test-003", "k": 78}`))
	var found struct {
		results
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
