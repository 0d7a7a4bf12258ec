package embedfiles_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"engram/data/laion"
	"engram/data/progress"
	"engram/index"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/source"
)

// checkRows compares pairs with folders of images, some of them bad.
func checkRows(t testing.TB, rows []row, folders, each int, bad func(f, i int) bool) {
	t.Helper()
	at := 0
	for f := range folders {
		for i := range each {
			if bad != nil && bad(f, i) {
				continue
			}
			if at == len(rows) {
				t.Fatalf("%d rows, the next should be image %d of folder %d", at, i, f)
			}
			path := fmt.Sprintf("f%d/%02d.png", f, i)
			if got := rows[at]; got.Payload["image_path"] != path || got.Payload["path"] != path || got.Payload["size"] == nil {
				t.Errorf("row %d has payload %v, want that of %s", at, got.Payload, path)
			} else if diff := cmp.Diff(vectorOf(fmt.Sprintf("image %d of folder %d", i, f)), got.Vector, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
				t.Errorf("vector of %s (-want +got):\n%s", path, diff)
			}
			at++
		}
	}
	if at != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), at)
	}
}

func TestRowsAreInTheOrderOfTheSource(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 5, 12)
	writeFiles(t, root, map[string]string{"f1/03.png": "unreadable", "f1/04.png": "black"})
	bad := func(f, i int) bool { return f == 1 && (i == 3 || i == 4) }
	last := int64(0)
	job := newJob(t, root, dir)
	job.Progress = func(r progress.Report) {
		if r.Done < last || r.Total != 60 {
			t.Errorf("progress %+v after %d", r, last)
		}
		last = r.Done
	}
	report := mustRun(t, job)
	wantBad := []ingest.Bad{{Row: 3, Name: "f1/03.png", Reason: "not an image"}, {Row: 4, Name: "f1/04.png", Reason: "no direction: unusable input"}}
	want := embedfiles.Report{Pairs: 3, Rows: 58, Encoded: 58, Unusable: 2, Bad: wantBad}
	if diff := cmp.Diff(want, report); diff != "" || last != 60 {
		t.Errorf("progress to %d, report (-want +got):\n%s", last, diff)
	}
	rows := read(t, dir, laion.Image)
	checkRows(t, rows, 5, 12, bad)
	if rows[21].Pair != 0 || rows[22].Pair != 1 || rows[57].Pair != 2 {
		t.Errorf("rows 21, 22 and 57 are in pairs %d, %d and %d, want 0, 1 and 2", rows[21].Pair, rows[22].Pair, rows[57].Pair)
	}
	text, err := os.ReadFile(filepath.Join(dir, "bad", "bad_0000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var first ingest.Bad
	if err := json.Unmarshal([]byte(strings.Split(string(text), "\n")[0]), &first); err != nil || first != wantBad[0] {
		t.Errorf("first of the bad rows is %+v, error %v, want %+v", first, err, wantBad[0])
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".pair-*")); len(hidden) > 0 {
		t.Errorf("%v were left", hidden)
	}

	before := files(t, dir)
	second := mustRun(t, newJob(t, root, dir))
	want = embedfiles.Report{Pairs: 3, Skipped: 3, Rows: 58, Unusable: 2, Bad: []ingest.Bad{}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
	if !maps.Equal(before, files(t, dir)) {
		t.Error("a second run changed the files")
	}
}

func TestHalfPrecision(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 1, 9)
	job := newJob(t, root, dir)
	job.Float32 = false
	mustRun(t, job)
	shards, err := laion.List(dir, laion.Image)
	if err != nil || len(shards) != 1 || shards[0].Type != "float16" {
		t.Fatalf("shards %+v, error %v, want one of float16", shards, err)
	}
	for i, r := range read(t, dir, laion.Image) {
		if diff := cmp.Diff(vectorOf(fmt.Sprintf("image %d of folder 0", i)), r.Vector, cmpopts.EquateApprox(0, 1./(1<<11))); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestBrokenRunGoesOn(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 6, 10)
	job := newJob(t, root, dir)
	job.Encoder = &fakeEncoder{breakAt: 35}
	first, err := job.Run(t.Context())
	if !errors.Is(err, errBroken) || first.Pairs != 1 {
		t.Fatalf("error %v with report %+v, want that of the encoder after one pair", err, first)
	}
	before := files(t, filepath.Join(dir, "img_emb"))
	second := mustRun(t, newJob(t, root, dir))
	// What the encoder had in its hands when it broke is encoded again.
	if again := first.Encoded + second.Encoded - 60; second.Skipped != 1 || again < 0 || again > 6 {
		t.Errorf("encoded %d and then %d with %d pairs skipped, want 60 in all and one", first.Encoded, second.Encoded, second.Skipped)
	}
	checkRows(t, read(t, dir, laion.Image), 6, 10, nil)
	if after := files(t, filepath.Join(dir, "img_emb")); after["img_emb_0000.npy"] != before["img_emb_0000.npy"] || len(after) != 3 {
		t.Errorf("the first pair changed, or there are not 3 but %d", len(after))
	}
}

func TestNewShardsMakeNewPairs(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 2, 5)
	mustRun(t, newJob(t, root, dir))
	before := files(t, dir)
	more := map[string]string{}
	for i := range 5 {
		more[fmt.Sprintf("f2/%02d.png", i)] = fmt.Sprintf("image %d of folder 2", i)
	}
	writeFiles(t, root, more)
	report := mustRun(t, newJob(t, root, dir))
	if report.Pairs != 2 || report.Skipped != 1 || report.Encoded != 5 {
		t.Errorf("report %+v, want a second pair of 5", report)
	}
	checkRows(t, read(t, dir, laion.Image), 3, 5, nil)
	after := files(t, dir)
	for name, text := range before {
		if name != embedfiles.PlanName && after[name] != text {
			t.Errorf("%s changed", name)
		}
	}
}

func TestDeletedPairIsMadeAnew(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 4, 10)
	mustRun(t, newJob(t, root, dir))
	before := files(t, dir)
	if err := os.Remove(filepath.Join(dir, "metadata", "metadata_0001.parquet")); err != nil {
		t.Fatal(err)
	}
	if report := mustRun(t, newJob(t, root, dir)); report.Encoded != 20 || report.Skipped != 1 {
		t.Errorf("report %+v, want one pair skipped and one of 20 made", report)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestJobRefuses(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 2, 5)
	mustRun(t, newJob(t, root, dir))
	for name, test := range map[string]struct {
		change func(*embedfiles.Job)
		want   error
		text   string
	}{
		"another model":  {func(j *embedfiles.Job) { j.Space.Fingerprint = "def" }, embedfiles.ErrForeign, "(abc), wanted"},
		"another type":   {func(j *embedfiles.Job) { j.Float32 = false }, embedfiles.ErrForeign, "8 float32 by model"},
		"the captions":   {func(j *embedfiles.Job) { j.Set = laion.Text }, embedfiles.ErrForeign, "img_emb of 8"},
		"its own source": {func(j *embedfiles.Job) { j.Dir = root }, embedfiles.ErrForeign, "is not empty and has no embed.json"},
		"another source": {func(j *embedfiles.Job) { j.Shards = nil }, embedfiles.ErrChanged, "f0"},
	} {
		job := newJob(t, root, dir)
		test.change(&job)
		if _, err := job.Run(t.Context()); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error %v, want %v with %q", name, err, test.want, test.text)
		}
	}
	writeFiles(t, root, map[string]string{"f1/99.png": "new"})
	if _, err := newJob(t, root, dir).Run(t.Context()); !errors.Is(err, embedfiles.ErrChanged) || !strings.Contains(err.Error(), "f1 is no longer what pair 0 was made of") {
		t.Errorf("with a new image in a finished shard: error %v, want ErrChanged", err)
	}
}

// A pair whose shards change before it is finished is begun anew.
func TestChangeBeforeThePairIsFinished(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 1, 15)
	writeFiles(t, root, map[string]string{"f0/000.png": "unreadable"})
	job := newJob(t, root, dir)
	job.Encoder = &fakeEncoder{breakAt: 8}
	if _, err := job.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "f0", "000.png")); err != nil {
		t.Fatal(err)
	}
	if report := mustRun(t, newJob(t, root, dir)); report.Rows != 15 || report.Unusable != 0 {
		t.Errorf("report %+v, want 15 good rows", report)
	}
	checkRows(t, read(t, dir, laion.Image), 1, 15, nil)
}

func TestCancelledJobGoesOn(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 5, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := newJob(t, root, dir)
	job.Progress = func(r progress.Report) {
		if r.Done > 25 {
			cancel()
		}
	}
	first, err := job.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if second := mustRun(t, newJob(t, root, dir)); first.Encoded < 20 || first.Encoded+second.Encoded < 50 || first.Encoded+second.Encoded > 60 {
		t.Errorf("encoded %d and then %d of 50", first.Encoded, second.Encoded)
	}
	checkRows(t, read(t, dir, laion.Image), 5, 10, nil)
}

// Only one job at a time writes to a folder.
func TestTwoJobs(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 1, 5)
	job := newJob(t, root, dir)
	var other error
	job.Progress = func(progress.Report) { _, other = newJob(t, root, dir).Run(t.Context()) }
	mustRun(t, job)
	if !errors.Is(other, index.ErrLocked) {
		t.Errorf("error of the second job is %v, want ErrLocked", other)
	}
}

// newShard returns a shard of rows with these payloads, which ends with an
// error where there is one.
func newShard(name string, end error, payloads ...index.Payload) source.Shard {
	return source.Shard{Name: name, Rows: -1, Read: func(_ context.Context, from int) iter.Seq2[[]source.Row, error] {
		return func(yield func([]source.Row, error) bool) {
			for i := from; i < len(payloads); i++ {
				row := source.Row{ID: 7, Name: fmt.Sprintf("%s/%d", name, i), Payload: payloads[i], Vector: []float32{1, 2}}
				if !yield([]source.Row{row}, nil) {
					return
				}
			}
			if end != nil {
				yield(nil, end)
			}
		}
	}}
}

func TestCaptions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	job := newJob(t, t.TempDir(), dir)
	job.Set, job.Rows = laion.Text, 0
	job.Shards = []source.Shard{
		newShard("a", nil, index.Payload{"caption": "a boat", "key": "0001"}, index.Payload{"captions": []string{"a zebra", "stripes"}}, nil),
		newShard("b", errors.New("torn"), index.Payload{"caption": "a tree", "url": "x"}, index.Payload{"caption": int64(3)}),
		newShard("c", nil, index.Payload{"caption": "a house", "url": int64(1)}),
	}
	report := mustRun(t, job)
	var got []string
	for _, r := range read(t, dir, laion.Text) {
		text := r.Payload["caption"].(string)
		if diff := cmp.Diff(vectorOf(text), r.Vector, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
			t.Errorf("vector of %q (-want +got):\n%s", text, diff)
		}
		got = append(got, fmt.Sprint(r.Payload["image_path"], ": ", text))
	}
	if want := []string{"0001: a boat", "a row 1: a zebra", "b row 0: a tree"}; !slices.Equal(got, want) {
		t.Errorf("captions %q, want %q", got, want)
	}
	var bad []string
	for _, b := range report.Bad {
		bad = append(bad, fmt.Sprint(b.Row, " ", b.Name, ": ", b.Reason))
	}
	for i, want := range []string{"2 a/2: it has no caption", "1 b/1: it has no caption", "2 b: torn", "0 c row 0: "} {
		if i >= len(bad) || !strings.HasPrefix(bad[i], want) {
			t.Errorf("bad rows are %q, want at %d %q", bad, i, want)
		}
	}
	if report.Rows != 3 || report.Unusable != 4 {
		t.Errorf("report %+v, want 3 rows and 4 unusable", report)
	}
}

// Vectors are not embedded, and a pair without a row is not tried again.
func TestNothingToEmbed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	job := newJob(t, t.TempDir(), dir)
	job.Shards = []source.Shard{newShard("a", nil, index.Payload{"caption": "a boat"})}
	for range 2 {
		report := mustRun(t, job)
		if report.Pairs != 0 || report.Rows != 0 || report.Unusable != 1 {
			t.Errorf("report %+v, want nothing but a bad row", report)
		}
	}
	if bad, err := os.ReadFile(filepath.Join(dir, "bad", "bad_0000.jsonl")); err != nil || !strings.Contains(string(bad), "it is a vector") {
		t.Errorf("bad rows %q, error %v", bad, err)
	}
}
