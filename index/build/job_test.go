package build_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"engram/data/images"
	"engram/index"
	"engram/index/build"

	"github.com/google/go-cmp/cmp"
)

func TestSecondRunDoesOnlyWhatIsLeft(t *testing.T) {
	root, store := t.TempDir(), newStore(t)
	writeFiles(t, root, map[string]string{"a.jpg": "aa", "sub/b.jpg": "bb", "c.png": "cc", "d.png": "dd"})
	enc := &fakeEncoder{}
	none := build.Report{Bad: []build.Bad{}, Vanished: []string{}}

	want := none
	want.Added, want.Encoded = 4, 4
	if diff := cmp.Diff(&want, mustRun(t, root, enc, store, nil)); diff != "" {
		t.Fatalf("first run (-want +got):\n%s", diff)
	}
	want = none
	want.Unchanged = 4
	if diff := cmp.Diff(&want, mustRun(t, root, enc, store, nil)); diff != "" {
		t.Fatalf("second run (-want +got):\n%s", diff)
	}

	writeFiles(t, root, map[string]string{"a.jpg": "other", "e.jpg": "ee"})
	if err := os.Remove(filepath.Join(root, "d.png")); err != nil {
		t.Fatal(err)
	}
	want = none
	want.Added, want.Changed, want.Unchanged, want.Encoded, want.Vanished = 1, 1, 2, 2, []string{"d.png"}
	if diff := cmp.Diff(&want, mustRun(t, root, enc, store, nil)); diff != "" {
		t.Fatalf("after changes (-want +got):\n%s", diff)
	}
	if enc.images.Load() != 6 {
		t.Errorf("%d images went through the encoder, want 6", enc.images.Load())
	}
	checkContents(t, store, map[string]string{"a.jpg": "other", "sub/b.jpg": "bb", "c.png": "cc", "d.png": "dd", "e.jpg": "ee"})

	want = none
	want.Unchanged, want.Vanished, want.Pruned = 4, []string{"d.png"}, 1
	report := mustRun(t, root, enc, store, func(j *build.Job[[]byte]) { j.Prune = true })
	if diff := cmp.Diff(&want, report); diff != "" {
		t.Fatalf("with prune (-want +got):\n%s", diff)
	}
	checkContents(t, store, map[string]string{"a.jpg": "other", "sub/b.jpg": "bb", "c.png": "cc", "e.jpg": "ee"})
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
	root, store := t.TempDir(), newStore(t)
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
	last := build.Progress{Done: -1}
	report := mustRun(t, root, &fakeEncoder{}, store, func(j *build.Job[[]byte]) {
		j.Progress = func(p build.Progress) {
			if p.Done <= last.Done || p.Bad < last.Bad || p.Done > p.Total {
				t.Errorf("progress went from %+v to %+v", last, p)
			}
			last = p
		}
	})
	if report.Added != 30 || report.Encoded != 30 {
		t.Errorf("added %d and encoded %d, want 30", report.Added, report.Encoded)
	}
	if want := (build.Progress{Done: 34, Total: 34, Bad: 4}); last != want {
		t.Errorf("last progress is %+v, want %+v", last, want)
	}
	for i, want := range []struct{ path, reason string }{
		{"dead.jpg", "no such file"}, {"u.jpg", "not an image"}, {"y.png", "no direction"}, {"z.png", "no direction"},
	} {
		if i >= len(report.Bad) || report.Bad[i].Path != want.path || !strings.Contains(report.Bad[i].Reason, want.reason) {
			t.Errorf("bad files are %v, want at %d %v", report.Bad, i, want)
		}
	}
	checkContents(t, store, good)
}

func TestBrokenEncoderEndsTheJobAndTheNextGoesOn(t *testing.T) {
	root, store := t.TempDir(), newStore(t)
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("%02d.jpg", i)] = fmt.Sprint("image ", i)
	}
	writeFiles(t, root, files)
	writeFiles(t, root, map[string]string{"zz.jpg": "break"})
	report, err := run(t, root, &fakeEncoder{}, store, nil)
	if !errors.Is(err, errBroken) {
		t.Fatalf("error is %v, want that of the encoder", err)
	}
	if got := len(contents(t, store)); got != report.Added {
		t.Errorf("the report says %d items, the store has %d", report.Added, got)
	}
	files["zz.jpg"] = "mended"
	writeFiles(t, root, map[string]string{"zz.jpg": "mended"})
	second := mustRun(t, root, &fakeEncoder{}, store, nil)
	if second.Unchanged != report.Added || second.Added != 41-report.Added {
		t.Errorf("after %d items the second run left %d and added %d", report.Added, second.Unchanged, second.Added)
	}
	checkContents(t, store, files)
}

func TestCancelledJobKeepsWhatIsDone(t *testing.T) {
	root, store := t.TempDir(), newStore(t)
	for i := range 60 {
		writeFiles(t, root, map[string]string{fmt.Sprintf("%02d.jpg", i): fmt.Sprint("image ", i)})
	}
	entries, err := build.Folder(root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := build.Job[[]byte]{Entries: entries, Encoder: &fakeEncoder{}, Store: store, Batch: 4}
	job.Progress = func(p build.Progress) {
		if p.Done >= 20 {
			cancel()
		}
	}
	report, err := job.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v, want context.Canceled", err)
	}
	got := len(contents(t, store))
	if got != report.Added || got < 20 || got == 60 {
		t.Errorf("the store has %d items and the report says %d, want equal, 20 or more and not all 60", got, report.Added)
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
		mustRun(t, root, enc, newStore(t), nil)
		if most, limit := enc.most.Load(), int64(2*test.batch+runtime.GOMAXPROCS(0)); most > limit {
			t.Errorf("%d images of %d MiB were in memory at once, want at most %d", most, test.size>>20, limit)
		}
	}
}

func TestNewCaptionsNeedNoEncoder(t *testing.T) {
	root, store := t.TempDir(), newStore(t)
	writeFiles(t, root, map[string]string{"val2017/a.jpg": "aa", "val2017/b.jpg": "bb"})
	enc := &fakeEncoder{}
	mustRun(t, root, enc, store, nil)
	writeFiles(t, root, map[string]string{"annotations/captions_val2017.json": captionsJSON})
	report := mustRun(t, root, enc, store, nil)
	if report.Changed != 1 || report.Unchanged != 1 || report.Encoded != 0 || enc.images.Load() != 2 {
		t.Errorf("report is %+v after %d encoded images, want one changed without encoding", report, enc.images.Load())
	}
	got := contents(t, store)["val2017/a.jpg"].Payload["captions"]
	if diff := cmp.Diff([]string{"a zebra", "a striped horse"}, got); diff != "" {
		t.Errorf("captions (-want +got):\n%s", diff)
	}
	checkContents(t, store, map[string]string{"val2017/a.jpg": "aa", "val2017/b.jpg": "bb"})
}

func TestEntriesWithOneIDAreRefused(t *testing.T) {
	entries := []build.Entry{
		{ID: 7, Payload: index.Payload{"path": "a.jpg"}}, {ID: 7, Payload: index.Payload{"path": "b.jpg"}},
	}
	_, err := build.Job[[]byte]{Entries: entries, Encoder: &fakeEncoder{}, Store: newStore(t)}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "a.jpg and b.jpg have the same id 7") {
		t.Errorf("error is %v, want one that names both files", err)
	}
}
