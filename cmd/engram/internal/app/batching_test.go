package app

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"engram/cmd/engram/internal/batch"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// What requests get that share a run is what they get alone, to 1e-5. One that is refused
// costs the others nothing.
func TestRequestsThatShareARunGetWhatTheyGetAlone(t *testing.T) {
	a := New(Options{Library: ort.LibraryOptions{Path: orttest.Runtime(t).Path(), CacheDir: t.TempDir()}})
	m, err := a.OpenModel(t.Context(), ScenesCLIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.OpenTextEncoder(t.Context(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	pictures, err := a.OpenImageEncoder(t.Context(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pictures.Close()
	decoder, err := a.OpenDecoder(t.Context(), trainedOnNoise(t, a, 40, 30), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	texts := []string{"a zebra at night", "a car", "two red boats on a lake in the rain by day", "a house", "an apple and a cup on a table"}
	scans := noise(5, 40)
	for name, use := range map[string]struct {
		batch   func(batch.Options)
		ask     func(ctx context.Context, i int) ([]float32, error)
		refused func(ctx context.Context) error
		reason  error
	}{
		useText: {text.Batch, func(ctx context.Context, i int) ([]float32, error) {
			v, _, err := text.Embed(ctx, texts[i])
			return v, err
		}, func(ctx context.Context) error {
			_, _, err := text.Embed(ctx, "qqqq")
			return err
		}, embed.ErrText},
		useImage: {pictures.Batch, func(ctx context.Context, i int) ([]float32, error) {
			return pictures.Embed(ctx, bytes.NewReader(stripes(t, i)))
		}, func(ctx context.Context) error {
			_, err := pictures.Embed(ctx, strings.NewReader("no picture"))
			return err
		}, nil},
		useDecoder: {decoder.Batch, func(ctx context.Context, i int) ([]float32, error) {
			p, err := decoder.predict(ctx, [][]float32{scans.Data[i*40:][:40]})
			return p.values, err
		}, func(ctx context.Context) error { // finite voxels with infinite sums
			_, err := decoder.predict(ctx, [][]float32{endless(40)})
			return err
		}, embed.ErrNotFinite},
	} {
		var alone [5][]float32
		for i := range alone {
			if alone[i], err = use.ask(t.Context(), i); err != nil {
				t.Fatalf("%s %d alone: %v", name, i, err)
			}
		}
		var most atomic.Int64
		use.batch(batch.Options{Size: 8, Wait: 200 * time.Millisecond, Observe: func(n int) {
			if int64(n) > most.Load() {
				most.Store(int64(n)) // one run at a time
			}
		}})
		var askers sync.WaitGroup
		for i, want := range alone {
			askers.Go(func() {
				got, err := use.ask(t.Context(), i)
				if worst := worstOf(got, want); err != nil || worst > 1e-5 {
					t.Errorf("%s %d among others: %v, its elements differ by %g", name, i, err, worst)
				}
			})
		}
		askers.Go(func() {
			if err := use.refused(t.Context()); err == nil || use.reason != nil && !errors.Is(err, use.reason) {
				t.Errorf("%s that is refused: error %v", name, err)
			}
		})
		askers.Wait()
		if most.Load() < 5 {
			t.Errorf("%s: the largest run had %d requests, wanted 5", name, most.Load())
		}
	}
}

// worstOf returns the largest difference of two vectors, relative to elements over 1.
func worstOf(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.
	for i, x := range want {
		worst = max(worst, math.Abs(float64(got[i])-float64(x))/max(1, math.Abs(float64(x))))
	}
	return worst
}

// endless is a scan of finite voxels from which nothing finite is predicted.
func endless(voxels int) []float32 {
	scan := make([]float32, voxels)
	for i := range scan {
		scan[i] = math.MaxFloat32
	}
	return scan
}

// stripes returns a PNG file of stripes, as many pixels wide as i says.
func stripes(t *testing.T, i int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for p := range 64 * 64 {
		img.Set(p%64, p/64, color.RGBA{R: byte(p / (i + 1) * 90), G: byte(40 * i), B: byte(p / 20), A: 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// fakeRunner is a model that remembers how its runs are shared.
type fakeRunner struct {
	device string
	most   int
	opts   batch.Options
}

func (r *fakeRunner) Device() string           { return r.device }
func (r *fakeRunner) RunSize() int             { return r.most }
func (r *fakeRunner) Batch(opts batch.Options) { r.opts = opts }

// Runs are shared where a user wants it and the model gains by it, and their sizes are
// counted.
func TestWhichModelsShareRuns(t *testing.T) {
	b, err := newBatches(BatchSpec{Uses: []string{useText, useImage}, Size: 8, Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		use       string
		precision string
		model     fakeRunner
		want      batch.Options
	}{
		{useText, "", fakeRunner{device: "cpu", most: 16}, batch.Options{Size: 8, Wait: time.Second, Runs: 2}},
		{useText, "fp16", fakeRunner{device: "cuda:0", most: 4}, batch.Options{Size: 4, Wait: time.Second, Runs: 1}},
		{useImage, "int8", fakeRunner{device: "cpu", most: 16}, batch.Options{}},
		{useImage, "", fakeRunner{device: "cpu", most: 1}, batch.Options{}},
		{useDecoder, "", fakeRunner{device: "cpu", most: 16}, batch.Options{}}, // which the user does not name
	} {
		b.share(test.use, &model.Manifest{Precision: test.precision}, &test.model)
		got := test.model.opts
		if got.Observe != nil {
			got.Observe(3)
		}
		if got.Observe = nil; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s, %+v: %+v, wanted %+v", test.use, test.model, got, test.want)
		}
	}
	if n := testutil.CollectAndCount(b.sizes); n != 1 {
		t.Errorf("sizes are counted for %d uses, wanted text alone", n)
	}
	if faults, err := testutil.CollectAndLint(b.sizes); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	for _, spec := range []BatchSpec{{Uses: []string{"words"}}, {Uses: []string{"none", useText}}, {Size: -1}, {Wait: -1}} {
		if _, err := newBatches(spec); err == nil || !strings.HasPrefix(err.Error(), "--batch") {
			t.Errorf("%+v: error %v", spec, err)
		}
	}
	if none, err := newBatches(BatchSpec{Uses: []string{"none"}}); err != nil || len(none.spec.Uses) > 0 {
		t.Errorf("none: %v", err)
	}
}
