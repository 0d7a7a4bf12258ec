package demo_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/httpapi"
	"engram/index"

	"github.com/google/go-cmp/cmp"
)

// tiny is a demo of seconds.
var tiny = demo.Scale{
	Name: "tiny", Gallery: 60, Seen: 48, Test: 12, Zebras: 6, Voxels: 150, Repeats: 3, Epochs: 4, Pixels: 48, Pictures: 2,
}

// newApp returns an App with the library of this machine and an empty cache.
func newApp(t *testing.T) *app.App {
	t.Helper()
	return app.New(app.Options{Library: ort.LibraryOptions{Path: orttest.Runtime(t).Path(), CacheDir: t.TempDir()}})
}

// runTiny runs the tiny demo in a folder.
func runTiny(t *testing.T, a *app.App, dir string, seed uint64) (*demo.Result, error) {
	t.Helper()
	return demo.Run(t.Context(), a, demo.Options{Dir: dir, Seed: seed, Scale: tiny}, nil)
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
	a := newApp(t)
	dir := t.TempDir()
	first, err := runTiny(t, a, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Report.Scores) != 20 || len(first.Trials) != 18 || len(first.Report.Stages) != 8 {
		t.Fatalf("%d scores, %d scans, %d stages, want 20, 18 and 8", len(first.Report.Scores), len(first.Trials), len(first.Report.Stages))
	}
	for _, s := range first.Report.Scores {
		if s.Decoder == "ideal observer" && s.Set == "test" && s.Repeats == 3 && s.Image.Share < .9 {
			t.Errorf("the ideal observer finds %v of %d scenes", s.Image, s.Choices)
		}
		if s.Decoder == "learned observer" && s.Set == "test" && s.Repeats == 3 && s.Image.Share < .3 {
			t.Errorf("the learned observer finds %v of %d scenes", s.Image, s.Choices)
		}
	}
	for i, s := range first.Report.Served {
		want := demo.Served{
			Set: []string{"test", "zebras"}[i/6], Scans: []int{12, 6}[i/6], Repeats: 1 + i/3%2*2, Among: 78,
			Decoder: []string{"chosen decoder", "whitened ridge", "ridge regression"}[i%3], Metric: s.Metric, First: s.First, Five: s.Five, OneVector: s.OneVector,
		}
		if s != want || s.Metric == "" || s.Five.Share < s.First.Share || i%3 == 0 && s.OneVector.Share > s.First.Share+.2 {
			t.Errorf("row %d as served is %+v, want %+v", i, s, want)
		}
	}
	if len(first.Report.Served) != 12 {
		t.Errorf("%d rows as served, want 12", len(first.Report.Served))
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
	if diff := cmp.Diff(made, markers(t, dir)); diff != "" || len(made) != 8 {
		t.Errorf("a second run made stages again:\n%s", diff)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("a second run (-first +second):\n%s", diff)
	}
	tars := t.TempDir()
	other, err := demo.Run(t.Context(), a, demo.Options{Dir: t.TempDir(), Seed: 1, Scale: tiny, MindEye: tars, Subjects: 2}, nil)
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
	if left := markers(t, dir); len(left) != 8 || cmp.Equal(made, left) {
		t.Errorf("after the demo of another seed its 8 stages are to be left, found %v", left)
	}
}

// checkExport wants the scans of the tiny demo in MindEye's layout: of 48 scenes
// for training, and of 12 test scenes and 6 zebras.
func checkExport(t *testing.T, dir string) {
	t.Helper()
	m := dataset.MindEye{Dir: dir, Subject: 1}
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
	if img, err := test.Stimuli.Read(t.Context(), 0); err != nil || img.W != 48 {
		t.Errorf("the first test scene is %v, %v", img, err)
	}
	checkSecondSubject(t, dir, training, test)
	about, err := os.ReadFile(filepath.Join(dir, "dataset.json"))
	if err != nil || !strings.Contains(string(about), `"simulated": true`) {
		t.Errorf("dataset.json is %s, %v; want it to say that the data is simulated", about, err)
	}
}

// checkSecondSubject wants another subject who shares the test scenes alone.
func checkSecondSubject(t *testing.T, dir string, training, test *dataset.Scans) {
	t.Helper()
	m := dataset.MindEye{Dir: dir, Subject: 2}
	own, err := m.Training()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := m.Test()
	if err != nil {
		t.Fatal(err)
	}
	pictures := func(s *dataset.Scans) map[string]bool { // subjects see them in an order of their own
		seen := map[string]bool{}
		for i := range s.Samples {
			img, err := s.Stimuli.Read(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			seen[string(img.Pix)] = true
		}
		return seen
	}
	if !cmp.Equal(pictures(shared), pictures(test)) {
		t.Errorf("the second subject's test scenes (%s) are not the first one's", shared)
	}
	first := pictures(training)
	for picture := range pictures(own) {
		if first[picture] {
			t.Fatalf("both subjects have a training scene (%s)", own)
		}
	}
	if cmp.Equal(shared.Voxels.Data, test.Voxels.Data) {
		t.Error("two subjects have the same scans")
	}
}

// A demo is interrupted in each of its steps, and then completed.
func TestDemoResumes(t *testing.T) {
	t.Parallel()
	a := newApp(t)
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
		_, err := demo.Run(ctx, a, demo.Options{Dir: dir, Seed: 3, Scale: tiny}, watch)
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

// The demo reconstructs a handful of scans, once.
func TestDemoReconstructs(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	dir := t.TempDir()
	first, err := runTiny(t, a, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := first.Report.Pictures
	if want := findFirst(t, a, first, "test-001", "test-002", "zebras-001"); p.FoundFirst != want {
		t.Errorf("%d of 3 scans find their scene first, want the %d of a search as served", p.FoundFirst, want)
	}
	if p.Test != 2 || p.Zebras != 1 || p.Bound < .95 || p.Bound > 1 || p.TwoWay < 0 || p.TwoWay > 1 {
		t.Fatalf("pictures are %+v, want 3 of which the CLIP knows those from true tokens", p)
	}
	content, err := os.ReadFile(p.Sheet)
	if err != nil {
		t.Fatal(err)
	}
	if sheet, err := png.Decode(bytes.NewReader(content)); err != nil || sheet.Bounds().Dx() < 3*sheet.Bounds().Dy()/5 {
		t.Errorf("the sheet is %v, %v, want 3 columns of 4 pictures", sheet, err)
	}
	for _, name := range []string{"scan/test-001.png", "tokens/zebras-001.png"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p.Sheet), name)); err != nil {
			t.Error(err)
		}
	}
	var table strings.Builder
	if err := first.Report.Print(&table); err != nil || !strings.Contains(table.String(), p.Sheet) {
		t.Errorf("the table does not name the sheet: %v\n%s", err, &table)
	}
	again, err := runTiny(t, a, dir, 1)
	if err != nil || again.Report.Pictures != p {
		t.Errorf("a second run: %+v, %v, want %+v", again.Report.Pictures, err, p)
	}
}

// findFirst counts the trials whose scene a search as served finds first.
func findFirst(t *testing.T, a *app.App, made *demo.Result, ids ...string) (found int) {
	search, err := a.OpenScanSearch(t.Context(), made.Index, made.Decoder, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer search.Close()
	for _, trial := range made.Trials {
		if !slices.Contains(ids, trial.ID) {
			continue
		}
		hits, metric, err := search.Search(t.Context(), trial.Repeats, httpapi.ScanQuery{K: 1})
		if err != nil || metric == "" {
			t.Fatalf("metric %q, error %v, want the decoder's metric by all tokens", metric, err)
		}
		if hits[0].Payload[index.KeyPath] == trial.Path {
			found++
		}
	}
	return found
}

// Several subjects are measured as one demo of each measures them. Figures of finished
// subjects are kept, and nothing else of them.
func TestSubjectsAreMeasuredOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	alone, err := runTiny(t, a, t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	opts := demo.Options{Dir: dir, Scale: tiny}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = demo.RunSubjects(ctx, a, opts, []uint64{1, 2}, func(r progress.Report) {
		if r.Stage == "seed 2: training the decoder" {
			cancel()
		}
	})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted at the second subject: error is %v", err)
	}
	made := markers(t, filepath.Join(dir, "subjects"))
	if len(made) != 5 { // the first subject's figures, and four stages of the second
		t.Errorf("after the interrupt there are %v, want 5 folders", made)
	}
	found, err := demo.RunSubjects(t.Context(), a, opts, []uint64{1, 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	left := markers(t, filepath.Join(dir, "subjects"))
	if len(left) != 2 {
		t.Errorf("two finished subjects left %v, want 2 folders", left)
	}
	for name, when := range left {
		if before, known := made[name]; known && before != when {
			t.Errorf("%s was made again", name)
		}
	}
	if diff := cmp.Diff(alone.Report.Served, found.Subjects[1].Served); diff != "" {
		t.Errorf("subject 2 alone and in a row:\n%s", diff)
	}
	for _, row := range found.Over {
		if len(row.Shares) != 2 || math.Abs(row.Mean.Mean-(row.Shares[0]+row.Shares[1])/2) > 1e-12 || row.Mean.High < row.Mean.Mean {
			t.Errorf("a row of two subjects is %+v", row)
		}
	}
	if want := 3*len(alone.Report.Served) + len(alone.Report.Scores); len(found.Over) != want {
		t.Errorf("%d rows over subjects, want %d", len(found.Over), want)
	}
	if _, err := demo.RunSubjects(t.Context(), a, opts, []uint64{1, 1}, nil); err == nil || !strings.Contains(err.Error(), "seed 1 is named twice") {
		t.Errorf("a seed named twice: error is %v", err)
	}
}
