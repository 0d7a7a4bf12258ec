package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/data/laion"
	"engram/data/progress"
	"engram/data/vfs"
	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/source"
)

// crashBuild tells the test binary to be the process that is killed: it holds
// the source and the index.
const crashBuild = "ENGRAM_TEST_CRASH_BUILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(crashBuild); job != "" {
		source, dir, _ := strings.Cut(job, "|")
		if err := buildAloud(source, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashDim is the dimension of the indexes here.
const crashDim = 8

// buildAloud builds an index and prints a line whenever rows are settled.
func buildAloud(place, dir string) error {
	ctx := context.Background()
	store, err := local.Open(dir)
	if errors.Is(err, index.ErrNotFound) {
		store, err = local.Create(dir, local.Options{Dim: crashDim})
	}
	if err != nil {
		return err
	}
	ledger, err := ingest.OpenLedger(dir)
	if err != nil {
		return err
	}
	source, err := source.Open(place, source.Options{})
	if err != nil {
		return err
	}
	shards, err := source.Shards(ctx)
	if err != nil {
		return err
	}
	enc := &fakeEncoder{beforeEncode: func() { time.Sleep(200 * time.Microsecond) }}
	_, err = ingest.Job{
		Shards: shards, Encoder: enc, Store: store, Ledger: ledger, Batch: 4, Prune: true,
		Checkpoint: 2 * time.Millisecond, Progress: func(progress.Report) {
			fmt.Println()
			time.Sleep(3 * time.Millisecond)
		},
	}.Run(ctx)
	return errors.Join(err, store.Close(), ledger.Close())
}

// buildAndKill runs buildAloud in a process and kills it some time after it has
// settled rows a number of times. It reports whether the build came to its end
// before.
func buildAndKill(t *testing.T, place, dir string, lines int, after time.Duration) (finished bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashBuild+"="+place+"|"+dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(out); scanner.Scan(); lines-- {
		if lines == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if complaint.Len() > 0 {
		t.Fatalf("the build failed by itself: %s", complaint.String())
	}
	return err == nil
}

// crashTest kills builds of a source again and again, and has change change it
// whenever one comes to its end.
func crashTest(t *testing.T, place string, kills, lines int, change func(version int)) (dir string) {
	t.Helper()
	if testing.Short() {
		kills = 5
	}
	dir = filepath.Join(t.TempDir(), "index")
	rng := rand.New(rand.NewPCG(1, 2))
	version, midway := 0, 0
	change(version)
	for runs := 0; midway < kills; runs++ {
		if runs == 4*kills {
			t.Fatalf("only %d of %d builds were killed before they came to their end", midway, runs)
		}
		if buildAndKill(t, place, dir, rng.IntN(lines), time.Duration(rng.IntN(3000))*time.Microsecond) {
			version++
			change(version)
		} else {
			midway++
		}
	}
	t.Logf("%d builds were killed, %d came to their end", midway, version)
	if !buildAndKill(t, place, dir, 1<<30, 0) {
		t.Fatal("the last build did not come to its end")
	}
	return dir
}

func itemsIn(t *testing.T, dir string) map[index.ID]index.Item {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	items := map[index.ID]index.Item{}
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		items[item.ID] = item
	}
	if err := errors.Join(store.Verify(t.Context()), store.Close()); err != nil {
		t.Fatal(err)
	}
	return items
}

// Whenever a build of images is killed, the one after it ends with each image
// once, with its own vector and payload.
func TestKilledBuildsOfImages(t *testing.T) {
	root := filepath.Join(t.TempDir(), "images")
	files := map[string]string{}
	dir := crashTest(t, root, 50, 12, func(version int) {
		for i := range 120 {
			name := fmt.Sprintf("%d/%02d.jpg", i%3, i)
			if version == 0 || i%3 == version%3 { // all of them, later one folder of three
				files[name] = fmt.Sprint("image ", i, " version ", version)
			}
		}
		files[fmt.Sprintf("new/%d.jpg", version)] = "new"
		if gone := fmt.Sprintf("new/%d.jpg", version-2); version > 1 {
			delete(files, gone)
			if err := os.Remove(filepath.Join(root, filepath.FromSlash(gone))); err != nil {
				t.Fatal(err)
			}
		}
		writeFiles(t, root, files)
		writeFiles(t, root, map[string]string{"1/bad.jpg": "unreadable"})
	})
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	checkContents(t, store, files)
	for path, item := range contents(t, store) {
		if item.Payload["size"] != int64(len(files[path])) {
			t.Errorf("%s has the payload %v, its file %d bytes", path, item.Payload, len(files[path]))
		}
	}
}

// Whenever an import of embeddings is killed, the one after it ends with each row
// once, with its own vector and payload.
func TestKilledBuildsOfEmbeddings(t *testing.T) {
	root := filepath.Join(t.TempDir(), "laion")
	rows := map[int]int{} // of each shard
	versions := map[int]int{}
	dir := crashTest(t, root, 50, 10, func(version int) {
		for shard, n := range []int{5000, 4500, 3000} {
			rows[shard], versions[shard] = n-version, version
			writeShard(t, root, shard, n-version, version)
		}
		rows[2+version%3], versions[2+version%3] = 100, version
		writeShard(t, root, 2+version%3, 100, version)
	})
	fresh := filepath.Join(t.TempDir(), "fresh")
	importFolder(t, root, fresh, crashDim)
	got := itemsIn(t, dir)
	if diff := cmp.Diff(itemsIn(t, fresh), got); diff != "" {
		t.Fatalf("the index differs from a fresh one (-want +got):\n%s", diff)
	}
	total := 0
	for _, n := range rows {
		total += n
	}
	if len(got) != total {
		t.Errorf("%d items, want %d", len(got), total)
	}
	for _, item := range got {
		shard, row := int(item.Payload["number"].(int64)), int(item.Payload["row"].(int64))
		want, err := index.Unit(halfVector(shard, row, versions[shard]), crashDim)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, item.Vector); diff != "" || item.Payload["version"] != int64(versions[shard]) {
			t.Fatalf("row %d of shard %d has the payload %v and another vector (-want +got):\n%s", row, shard, item.Payload, diff)
		}
	}
}

// halfVector is the vector of a row, in numbers that float16 can hold.
func halfVector(shard, row, version int) []float32 {
	v := []float32{1, float32(shard), float32(version), 0, 0, 0, 0, 0}
	for i := range 5 {
		v[3+i] = float32(row >> (3 * i) & 7)
	}
	return v
}

// writeShard replaces a shard of a LAION folder.
func writeShard(t *testing.T, dir string, shard, rows, version int) {
	t.Helper()
	for _, name := range []string{"img_emb/img_emb_%04d.npy", "metadata/metadata_%04d.parquet"} {
		if err := os.RemoveAll(filepath.Join(dir, fmt.Sprintf(name, shard))); err != nil {
			t.Fatal(err)
		}
	}
	w, err := laion.Create(vfs.OS{}, dir, laion.WriterOptions{Dim: crashDim, First: shard})
	if err != nil {
		t.Fatal(err)
	}
	for row := range rows {
		payload := map[string]any{"number": int64(shard), "row": int64(row), "version": int64(version)}
		if err := w.Append(payload, halfVector(shard, row, version)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
