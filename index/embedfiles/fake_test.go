package embedfiles_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"engram/data/laion"
	"engram/data/space"
	"engram/index/embedfiles"
	"engram/index/ingest"
	"engram/index/source"
)

var errBroken = errors.New("the model broke")

// fakeEncoder takes the bytes of a file, or of a caption, for an image.
type fakeEncoder struct {
	images  atomic.Int64 // that were encoded
	breakAt int64        // number of the image that breaks it
	pause   time.Duration
}

type fakeImage []byte

func (image fakeImage) Size() int { return len(image) }

func (fakeImage) Incomplete() bool { return false }

func (f *fakeEncoder) Decode(_ context.Context, file io.Reader) (ingest.Input, error) {
	text, err := io.ReadAll(file)
	if bytes.HasPrefix(text, []byte("unreadable")) {
		return nil, errors.New("not an image")
	}
	return fakeImage(text), err
}

func (f *fakeEncoder) Encode(ctx context.Context, images []ingest.Input) ([][]float32, error) {
	time.Sleep(f.pause)
	vectors := make([][]float32, len(images))
	for i, image := range images {
		text := image.(fakeImage)
		if bytes.HasPrefix(text, []byte("black")) {
			return nil, fmt.Errorf("no direction: %w", ingest.ErrImage)
		}
		vectors[i] = vectorOf(string(text))
	}
	if n := f.images.Add(int64(len(images))); f.breakAt > 0 && n >= f.breakAt {
		return nil, errBroken
	}
	return vectors, ctx.Err()
}

// vectorOf is the fake embedding of a file, of unit length.
func vectorOf(text string) []float32 {
	v := make([]float32, 8)
	v[0] = 1
	for i, b := range []byte(text) {
		v[1+i%7] += float32(b)
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}

// writeFiles writes files below dir: path → content.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeFolders writes folders f0, f1 … of images 00.png, 01.png … each.
func writeFolders(t testing.TB, root string, folders, each int) {
	t.Helper()
	files := map[string]string{}
	for f := range folders {
		for i := range each {
			files[fmt.Sprintf("f%d/%02d.png", f, i)] = fmt.Sprintf("image %d of folder %d", i, f)
		}
	}
	writeFiles(t, root, files)
}

func newJob(t testing.TB, root, dir string) embedfiles.Job {
	t.Helper()
	job, err := jobOn(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// jobOn embeds the images below root into dir.
func jobOn(root, dir string) (embedfiles.Job, error) {
	shards, err := source.Folder{Root: root}.Shards(context.Background())
	return embedfiles.Job{
		Settings: embedfiles.Settings{Set: laion.Image, Dim: 8, Space: space.Space{Name: "fake 1", Fingerprint: "abc"}, Float32: true},
		Shards:   shards, Encoder: &fakeEncoder{}, Dir: dir, Rows: 20, Batch: 3,
	}, err
}

func mustRun(t testing.TB, job embedfiles.Job) embedfiles.Report {
	t.Helper()
	report, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report.Seconds = 0
	return *report
}

// row is a row of a pair as it is read.
type row struct {
	Pair    int
	Vector  []float32
	Payload map[string]any
}

// read returns the rows of all pairs of a folder, in order.
func read(t testing.TB, dir string, set laion.Set) []row {
	t.Helper()
	shards, err := laion.List(dir, set)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, s := range shards {
		r, err := laion.Open(s, laion.Options{})
		if err != nil {
			t.Fatal(err)
		}
		block := laion.NewBlock(7, s.Dim)
		for {
			_, err := r.Read(block)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range block.Rows {
				if x.Err != nil {
					t.Error(x.Err)
				}
				rows = append(rows, row{s.Number, append([]float32(nil), x.Vector...), x.Payload})
			}
		}
		r.Close()
	}
	return rows
}

// files returns name → content of the published files below dir.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		found[rel] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
