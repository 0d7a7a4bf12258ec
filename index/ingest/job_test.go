package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"engram/data/images"
	"engram/data/progress"
	"engram/index"
	"engram/index/ingest"
	"engram/index/source"

	"github.com/google/go-cmp/cmp"
)

func TestSecondRunDoesOnlyWhatIsLeft(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "sub/b.jpg": "bb", "c.png": "cc", "d.png": "dd"})
	enc := &fakeEncoder{}
	want := ingest.Report{Bad: []ingest.Bad{}, GoneNames: []string{}, Shards: 2, Finished: 2, Stored: 4, Encoded: 4}
	if diff := cmp.Diff(&want, mustRun(t, to.job(t, root, enc))); diff != "" {
		t.Fatalf("first run (-want +got):\n%s", diff)
	}
	want = ingest.Report{Bad: []ingest.Bad{}, GoneNames: []string{}, Shards: 2, Skipped: 2, Unchanged: 4}
	if diff := cmp.Diff(&want, mustRun(t, to.job(t, root, enc))); diff != "" {
		t.Fatalf("second run (-want +got):\n%s", diff)
	}

	writeFiles(t, root, map[string]string{"a.jpg": "other", "e.jpg": "ee"})
	if err := os.Remove(filepath.Join(root, "d.png")); err != nil {
		t.Fatal(err)
	}
	want = ingest.Report{
		Bad: []ingest.Bad{}, GoneNames: []string{"d.png"}, Shards: 2, Skipped: 1, Finished: 1,
		Stored: 2, Encoded: 2, Unchanged: 2, Gone: 1, Deleted: 1,
	}
	if diff := cmp.Diff(&want, mustRun(t, to.job(t, root, enc))); diff != "" {
		t.Fatalf("after changes (-want +got):\n%s", diff)
	}
	if enc.images.Load() != 6 {
		t.Errorf("%d images went through the encoder, want 6", enc.images.Load())
	}
	checkContents(t, to, map[string]string{"a.jpg": "other", "sub/b.jpg": "bb", "c.png": "cc", "e.jpg": "ee"})
}

func TestFoldersThatAreGoneStayUntilTheyArePruned(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "sub/b.jpg": "bb", "sub/c.jpg": "cc"})
	mustRun(t, to.job(t, root, &fakeEncoder{}))
	if err := os.RemoveAll(filepath.Join(root, "sub")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		report := mustRun(t, to.job(t, root, &fakeEncoder{}))
		if diff := cmp.Diff([]string{"sub/b.jpg", "sub/c.jpg"}, report.GoneNames); diff != "" || report.Gone != 2 || report.Deleted != 0 {
			t.Errorf("gone are %d, deleted %d (-want +got):\n%s", report.Gone, report.Deleted, diff)
		}
	}
	job := to.job(t, root, &fakeEncoder{})
	job.Prune = true
	if report := mustRun(t, job); report.Gone != 2 || report.Deleted != 2 {
		t.Errorf("with prune: %+v, want two deleted", report)
	}
	checkContents(t, to, map[string]string{"a.jpg": "aa"})
	if report := mustRun(t, job); report.Gone != 0 {
		t.Errorf("after prune: %+v, want none gone", report)
	}
}

// checkContents compares a store with files: ids, and the directions of vectors.
func checkContents(t *testing.T, store index.Store, files map[string]string) {
	t.Helper()
	items := contents(t, store)
	if len(items) != len(files) {
		t.Errorf("the store has %d items, want %d", len(items), len(files))
	}
	for path, text := range files {
		item, ok := items[path]
		if !ok || item.ID != index.ID(images.ID(path)) {
			t.Errorf("%s: found %v with id %d, want id %d", path, ok, item.ID, images.ID(path))
			continue
		}
		want, err := index.Unit(vectorOf([]byte(text)), 8)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(float64(want[i]-item.Vector[i])) > 1e-6 {
				t.Errorf("%s: vector is %v, want %v", path, item.Vector, want)
				break
			}
		}
	}
}

func TestBadFilesAreListedAndPassedOver(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	files := map[string]string{"u.jpg": "unreadable", "z.png": "black", "y.png": "black too"}
	good := map[string]string{}
	for i := range 30 {
		good[fmt.Sprintf("%02d.jpg", i)] = fmt.Sprint("image ", i)
	}
	writeFiles(t, root, files)
	writeFiles(t, root, good)
	if err := os.Symlink(filepath.Join(root, "nothing"), filepath.Join(root, "dead.jpg")); err != nil {
		t.Fatal(err)
	}
	last := progress.Report{Done: -1}
	job := to.job(t, root, &fakeEncoder{})
	job.Progress = func(p progress.Report) {
		if p.Done < last.Done || p.Done > p.Total {
			t.Errorf("progress went from %+v to %+v", last, p)
		}
		last = p
	}
	report := mustRun(t, job)
	if report.Stored != 30 || report.Encoded != 30 || report.Unusable != 4 {
		t.Errorf("stored %d, encoded %d, unusable %d; want 30, 30 and 4", report.Stored, report.Encoded, report.Unusable)
	}
	want := progress.Report{Stage: ingest.Reading, Unit: "rows", Done: 34, Total: 34}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("last progress (-want +got):\n%s", diff)
	}
	for i, want := range []struct{ path, reason string }{
		{"dead.jpg", "no such file"}, {"u.jpg", "not an image"}, {"y.png", "no direction"}, {"z.png", "no direction"},
	} {
		if i >= len(report.Bad) || report.Bad[i].Name != want.path || !strings.Contains(report.Bad[i].Reason, want.reason) {
			t.Errorf("bad files are %v, want at %d %v", report.Bad, i, want)
		}
	}
	checkContents(t, to, good)
}

func TestIncompleteImagesAreStoredAndCounted(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	files := map[string]string{"a.jpg": "aa", "b.jpg": "half of bb"}
	writeFiles(t, root, files)
	report := mustRun(t, to.job(t, root, &fakeEncoder{}))
	if report.Stored != 2 || report.Incomplete != 1 || !slices.Equal(report.IncompleteNames, []string{"b.jpg"}) {
		t.Errorf("%+v, want two stored, of which b.jpg is incomplete", report)
	}
	checkContents(t, to, files)
}

func TestBadRowsAreTriedAgainOnRequest(t *testing.T) {
	root, to, enc := t.TempDir(), newTarget(t), &fakeEncoder{}
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "b.jpg": "bb", "c.jpg": "late", "d.jpg": "late too", "e.jpg": "ee"})
	enc.broken = "late"
	if report := mustRun(t, to.job(t, root, enc)); report.Stored != 3 || report.Unusable != 2 {
		t.Fatalf("first run: %+v, want 3 stored and 2 unusable", report)
	}
	enc.broken = "late too"
	job := to.job(t, root, enc)
	if report := mustRun(t, job); report.Stored != 0 || report.Unchanged != 3 || report.Unusable != 2 {
		t.Fatalf("second run: %+v, want nothing done", report)
	}
	job.Retry = true
	report := mustRun(t, job)
	if report.Stored != 1 || report.Unchanged != 3 || report.Unusable != 1 || enc.images.Load() != 4 {
		t.Fatalf("retry: %+v after %d encoded images, want c.jpg stored and d.jpg unusable", report, enc.images.Load())
	}
	if diff := cmp.Diff([]ingest.Bad{{Row: 3, Name: "d.jpg", Reason: "not an image"}}, report.Bad); diff != "" {
		t.Errorf("bad rows (-want +got):\n%s", diff)
	}
	enc.broken = ""
	if report := mustRun(t, job); report.Stored != 1 || report.Unchanged != 4 || report.Unusable != 0 {
		t.Errorf("last retry: %+v, want all five there", report)
	}
	if report := mustRun(t, job); report.Skipped != 1 || report.Unchanged != 5 {
		t.Errorf("retry without bad rows: %+v, want the shard skipped", report)
	}
	checkContents(t, to, map[string]string{"a.jpg": "aa", "b.jpg": "bb", "c.jpg": "late", "d.jpg": "late too", "e.jpg": "ee"})
}

func TestBrokenEncoderEndsTheJobAndTheNextGoesOn(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("%02d.jpg", i)] = fmt.Sprint("image ", i)
	}
	writeFiles(t, root, files)
	writeFiles(t, root, map[string]string{"zz.jpg": "break"})
	report, err := to.job(t, root, &fakeEncoder{}).Run(t.Context())
	if !errors.Is(err, errBroken) {
		t.Fatalf("error is %v, want that of the encoder", err)
	}
	if got := len(contents(t, to)); got != report.Stored {
		t.Errorf("the report says %d items, the store has %d", report.Stored, got)
	}
	files["zz.jpg"] = "mended"
	writeFiles(t, root, map[string]string{"zz.jpg": "mended"})
	second := mustRun(t, to.job(t, root, &fakeEncoder{}))
	if second.Unchanged != report.Stored || second.Stored != 41-report.Stored {
		t.Errorf("after %d items the second run left %d and stored %d", report.Stored, second.Unchanged, second.Stored)
	}
	checkContents(t, to, files)
}

func TestCancelledJobKeepsWhatIsDone(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	for i := range 60 {
		writeFiles(t, root, map[string]string{fmt.Sprintf("%02d.jpg", i): fmt.Sprint("image ", i)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := to.job(t, root, &fakeEncoder{})
	job.Progress = func(p progress.Report) {
		if p.Done >= 20 {
			cancel()
		}
	}
	report, err := job.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v, want context.Canceled", err)
	}
	got := len(contents(t, to))
	if got != report.Stored || got < 20 || got == 60 {
		t.Errorf("the store has %d items and the report says %d, want equal, 20 or more and not all 60", got, report.Stored)
	}
}

// The images in memory are bounded, however fast they are decoded.
func TestMemoryIsBounded(t *testing.T) {
	root := t.TempDir()
	for i := range 200 {
		writeFiles(t, root, map[string]string{fmt.Sprintf("%03d.jpg", i): fmt.Sprint("image ", i)})
	}
	for _, test := range []struct{ size, batch int }{{0, 4}, {10 << 20, 4}, {40 << 20, 1}} {
		enc := &fakeEncoder{padding: test.size, beforeEncode: func() { time.Sleep(time.Millisecond) }}
		job := newTarget(t).job(t, root, enc)
		job.Batch = test.batch
		mustRun(t, job)
		if most, limit := enc.most.Load(), int64(3*test.batch+runtime.GOMAXPROCS(0)); most > limit {
			t.Errorf("%d images of %d MiB were in memory at once, want at most %d", most, test.size>>20, limit)
		}
	}
}

// As many batches are encoded at a time as the job says, and no more.
func TestBatchesAreEncodedAtTheSameTime(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 40 {
		writeFiles(t, root, map[string]string{fmt.Sprintf("%03d.jpg", i): fmt.Sprint("image ", i)})
	}
	const encoders = 3
	var running, most atomic.Int64
	var once sync.Once
	together := make(chan struct{})
	enc := &fakeEncoder{beforeEncode: func() {
		n := running.Add(1)
		defer running.Add(-1)
		if n >= encoders {
			most.Store(max(n, most.Load()))
			once.Do(func() { close(together) })
		}
		select {
		case <-together:
			time.Sleep(time.Millisecond)
		case <-time.After(10 * time.Second):
		}
	}}
	job := newTarget(t).job(t, root, enc)
	job.Encoders = encoders
	mustRun(t, job)
	if most.Load() != encoders {
		t.Errorf("%d batches were encoded at once, want %d", most.Load(), encoders)
	}
}

func TestNewCaptionsNeedNoEncoder(t *testing.T) {
	format := index.TokenFormat{Kind: index.TokensFloat16, Count: 2, Dim: 8}
	root, to := t.TempDir(), newTokenTarget(t, format)
	writeFiles(t, root, map[string]string{"val2017/a.jpg": "aa", "val2017/b.jpg": "bb"})
	enc := &fakeEncoder{}
	mustRun(t, to.job(t, root, enc))
	writeFiles(t, root, map[string]string{"annotations/captions_val2017.json": `{"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
"annotations": [{"id": 10, "image_id": 1, "caption": "a zebra"}, {"id": 11, "image_id": 1, "caption": "a striped horse"}]}`})
	report := mustRun(t, to.job(t, root, enc))
	if report.Stored != 1 || report.Unchanged != 1 || report.Encoded != 0 || enc.images.Load() != 2 {
		t.Errorf("report is %+v after %d encoded images, want one changed without encoding", report, enc.images.Load())
	}
	a := contents(t, to)["val2017/a.jpg"]
	stored, err := to.Tokens(t.Context(), []index.ID{a.ID})
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]float32, format.Elements())
	if err := format.Decode(tokens, stored[0]); err != nil || !slices.Equal(tokens[:8], vectorOf([]byte("aa"))) || tokens[8] != -1 {
		t.Errorf("the tokens are %v, error %v; want the encoder's", tokens, err)
	}
	got := a.Payload["captions"]
	if diff := cmp.Diff([]string{"a zebra", "a striped horse"}, got); diff != "" {
		t.Errorf("captions (-want +got):\n%s", diff)
	}
	checkContents(t, to, map[string]string{"val2017/a.jpg": "aa", "val2017/b.jpg": "bb"})
}

// loading is a store whose graph is built at the end of a bulk load, which does
// not come about the first time.
type loading struct {
	index.Store
	open, ends int
}

func (l *loading) BeginBulk(context.Context) error { l.open = 1; return nil }

func (l *loading) EndBulk(context.Context, progress.Func) error {
	if l.ends++; l.ends == 1 {
		return errKilled
	}
	l.open = 0
	return nil
}

func TestBulkLoadThatWasKilledAtItsEndIsEndedByTheNextRun(t *testing.T) {
	root, to := t.TempDir(), newTarget(t)
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "b.jpg": "bb"})
	job := to.job(t, root, &fakeEncoder{})
	store := &loading{Store: job.Store}
	job.Store = store
	if _, err := job.Run(t.Context()); !errors.Is(err, errKilled) {
		t.Fatalf("error %v, want the bulk load to fail", err)
	}
	report, err := job.Run(t.Context())
	if err != nil || report.Skipped != 1 || store.open != 0 {
		t.Errorf("the second run has %+v, error %v; bulk load open: %d", report, err, store.open)
	}
}

// picky is a store that refuses one item.
type picky struct {
	index.Store
	not index.ID
}

func (p picky) Upsert(ctx context.Context, items []index.Item) error {
	for _, item := range items {
		if item.ID == p.not {
			return fmt.Errorf("item %d: %w", item.ID, index.ErrPayload)
		}
	}
	return p.Store.Upsert(ctx, items)
}

func TestRefusedVectorsAreNamedByTheirNumber(t *testing.T) {
	job := newTarget(t).job(t, t.TempDir(), &fakeEncoder{})
	info, err := job.Store.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	job.Store = picky{job.Store, 12}
	job.Shards = []source.Shard{{Name: "embeddings", Rows: 3, Dim: info.Dim, Read: func(_ context.Context, from int) iter.Seq2[[]source.Row, error] {
		var rows []source.Row
		for i := from; i < 3; i++ {
			vector := make([]float32, info.Dim)
			vector[i] = 1
			rows = append(rows, source.Row{ID: index.ID(10 + i), Vector: vector, Norm: 1})
		}
		return func(yield func([]source.Row, error) bool) { yield(rows, nil) }
	}}}
	report, err := job.Run(t.Context())
	if err != nil || report.Stored != 2 || len(report.Bad) != 1 || report.Bad[0].Name != "embeddings row 2" {
		t.Errorf("report %+v, error %v; want row 2 named as bad", report, err)
	}
}
