package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"engram/index"
	"engram/index/ingest"
	"engram/index/local"
	"engram/index/source"
)

// errBroken is an error that no single image causes.
var errBroken = errors.New("the model broke")

// fakeEncoder takes the bytes of a file for an image. The word a file begins
// with says how it behaves; the vector of the others is made of their bytes.
type fakeEncoder struct {
	calls, images  atomic.Int64 // of Encode
	inFlight, most atomic.Int64 // images decoded and not yet encoded
	padding        int          // added to the size of images
	beforeEncode   func()
	broken         string // files that begin with it are not readable for now
}

// fakeImage is the bytes of a file.
type fakeImage struct {
	bytes   []byte
	padding int
}

func (image fakeImage) Size() int { return len(image.bytes) + image.padding }

func (image fakeImage) Incomplete() bool { return bytes.HasPrefix(image.bytes, []byte("half")) }

func (f *fakeEncoder) Decode(_ context.Context, file io.Reader) (ingest.Input, error) {
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("unreadable")) || f.broken != "" && bytes.HasPrefix(text, []byte(f.broken)) {
		return nil, errors.New("not an image")
	}
	if n := f.inFlight.Add(1); n > f.most.Load() {
		f.most.Store(n)
	}
	return fakeImage{text, f.padding}, nil
}

func (f *fakeEncoder) Encode(ctx context.Context, images []ingest.Input) ([][]float32, error) {
	if f.beforeEncode != nil {
		f.beforeEncode()
	}
	f.calls.Add(1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	vectors := make([][]float32, len(images))
	for i, image := range images {
		text := image.(fakeImage).bytes
		switch {
		case bytes.HasPrefix(text, []byte("black")):
			return nil, fmt.Errorf("image %d has no direction: %w", i+1, ingest.ErrImage)
		case bytes.HasPrefix(text, []byte("break")):
			return nil, errBroken
		}
		vectors[i] = vectorOf(text)
	}
	f.images.Add(int64(len(images)))
	f.inFlight.Add(-int64(len(images)))
	return vectors, nil
}

// EncodeTokens implements ingest.TokenEncoder: two tokens, the vector and its opposite.
func (f *fakeEncoder) EncodeTokens(ctx context.Context, images []ingest.Input) (vectors, tokens [][]float32, err error) {
	vectors, err = f.Encode(ctx, images)
	for _, v := range vectors {
		t := slices.Clone(v)
		for _, x := range v {
			t = append(t, -x)
		}
		tokens = append(tokens, t)
	}
	return vectors, tokens, err
}

// vectorOf is the fake embedding of a file.
func vectorOf(text []byte) []float32 {
	v := make([]float32, 8)
	v[0] = 1
	for i, b := range text {
		v[1+i%7] += float32(b)
	}
	return v
}

// writeFiles writes files below dir: path → content.
func writeFiles(t *testing.T, dir string, files map[string]string) {
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

// target is an index with its ledger.
type target struct {
	*local.Store
	ledger *ingest.Ledger
}

func newTarget(t *testing.T) target {
	t.Helper()
	return newTokenTarget(t, index.TokenFormat{})
}

// newTokenTarget is a target that keeps tokens.
func newTokenTarget(t *testing.T, tokens index.TokenFormat) target {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	store, err := local.Create(dir, local.Options{Dim: 8, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := ingest.OpenLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), ledger.Close()); err != nil {
			t.Error(err)
		}
	})
	return target{store, ledger}
}

// job is a job on the images below root as they are now.
func (to target) job(t *testing.T, root string, enc *fakeEncoder) ingest.Job {
	t.Helper()
	shards, err := source.Folder{Root: root}.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ingest.Job{Shards: shards, Encoder: enc, Store: to, Ledger: to.ledger, Batch: 4}
}

// mustRun runs a job that succeeds. The report is without what differs from
// run to run.
func mustRun(t *testing.T, job ingest.Job) *ingest.Report {
	t.Helper()
	report, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report.Seconds, report.EncoderBusy, report.PerShard = 0, 0, nil
	return report
}

// contents returns path → item of a store.
func contents(t *testing.T, store index.Store) map[string]index.Item {
	t.Helper()
	items := map[string]index.Item{}
	for item, err := range store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		items[item.Payload["path"].(string)] = item
	}
	return items
}
