package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"engram/cmd/engram/internal/batch"
	"engram/data/scenes"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// BenchmarkBatching embeds texts and pictures and decodes scans for 1 to 32 callers at
// once. A caller asks again as soon as it has its answer. Either each request has a
// run of its own, or runs are shared as a server shares them. The two take turns of .2 s, so
// that what else the machine does is the same for both. Of each way it reports the requests a second, the median and the 99th
// percentile of the time of one, and its processor time.
//
// The models are the demo's, or the one in the folder that ENGRAM_TEST_MODEL names, and
// a decoder of the size of the demo's, or the one that ENGRAM_TEST_DECODER names.
func BenchmarkBatching(b *testing.B) {
	a := New(Options{Library: ort.LibraryOptions{Path: orttest.Runtime(b).Path(), CacheDir: b.TempDir()}})
	for _, use := range []struct {
		name string
		ways func(*testing.B, *App) manners
	}{{"text", textWays}, {"image", imageWays}, {"scan", scanWays}} {
		b.Run("use="+use.name, func(b *testing.B) {
			made := use.ways(b, a)
			for _, callers := range []int{1, 2, 4, 8, 16, 32} {
				b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { made.compare(b, callers) })
			}
		})
	}
}

// manner is a way to answer a request; i tells requests apart.
type manner struct {
	name string
	ask  func(ctx context.Context, i int) error
}

type manners []manner

func (w *manners) add(shared bool, ask func(ctx context.Context, i int) error) {
	name := "alone"
	if shared {
		name = "shared"
	}
	*w = append(*w, manner{name, ask})
}

// tally is what the requests of one way took.
type tally struct {
	times         []float64 // seconds
	wall, working time.Duration
}

func (w manners) compare(b *testing.B, callers int) {
	sums := make([]tally, len(w))
	for b.Loop() {
		for i, way := range w {
			sums[i].add(b, callers, way.ask)
		}
	}
	for i, way := range w {
		s := &sums[i]
		slices.Sort(s.times)
		n := float64(len(s.times))
		b.ReportMetric(n/s.wall.Seconds(), way.name+"-req/s")
		b.ReportMetric(1e3*s.times[len(s.times)/2], way.name+"-p50-ms")
		b.ReportMetric(1e3*s.times[len(s.times)*99/100], way.name+"-p99-ms")
		b.ReportMetric(1e3*s.working.Seconds()/n, way.name+"-cpu-ms")
	}
}

// add asks for .2 s.
func (s *tally) add(b *testing.B, callers int, ask func(context.Context, int) error) {
	var mu sync.Mutex
	began := time.Now()
	s.working += processorTime(b, func() error {
		var done sync.WaitGroup
		for c := range callers {
			done.Go(func() {
				var times []float64
				for i := c; time.Since(began) < 200*time.Millisecond; i += callers {
					start := time.Now()
					if err := ask(b.Context(), i); err != nil {
						b.Error(err)
						break
					}
					times = append(times, time.Since(start).Seconds())
				}
				mu.Lock()
				defer mu.Unlock()
				s.times = append(s.times, times...)
			})
		}
		done.Wait()
		return nil
	})
	s.wall += time.Since(began)
}

func textWays(b *testing.B, a *App) (w manners) {
	m, err := a.OpenModel(b.Context(), cmp.Or(os.Getenv("ENGRAM_TEST_MODEL"), ScenesCLIP), nil)
	if err != nil {
		b.Fatal(err)
	}
	world := scenes.New(1)
	var captions []string
	for i := range uint64(512) {
		s := world.Scene(scenes.Train, i)
		captions = append(captions, s.Captions()[0])
	}
	for _, shared := range []bool{false, true} {
		e, err := a.OpenTextEncoder(b.Context(), m, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = e.Close() })
		if shared {
			e.Batch(batch.Options{Runs: cpuRuns})
		}
		w.add(shared, func(ctx context.Context, i int) error {
			_, _, err := e.Embed(ctx, captions[i%len(captions)])
			return err
		})
	}
	return w
}

func imageWays(b *testing.B, a *App) (w manners) {
	m, err := a.OpenModel(b.Context(), cmp.Or(os.Getenv("ENGRAM_TEST_MODEL"), ScenesCLIP), nil)
	if err != nil {
		b.Fatal(err)
	}
	world, dir := scenes.New(1), b.TempDir()
	list := make([]scenes.Scene, 64)
	for i := range list {
		list[i] = world.Scene(scenes.Train, uint64(i))
	}
	if err := scenes.WriteFolder(b.Context(), scenes.Folder{Dir: dir, Name: "train", Size: 128}, list); err != nil {
		b.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "train", "*.*g"))
	if err != nil || len(paths) != len(list) {
		b.Fatal(paths, err)
	}
	var files [][]byte
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, file)
	}
	for _, shared := range []bool{false, true} {
		e, err := a.OpenImageEncoder(b.Context(), m, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = e.Close() })
		if shared {
			e.Batch(batch.Options{Runs: cpuRuns})
		}
		w.add(shared, func(ctx context.Context, i int) error {
			_, err := e.Embed(ctx, bytes.NewReader(files[i%len(files)]))
			return err
		})
	}
	return w
}

func scanWays(b *testing.B, a *App) (w manners) {
	dir := os.Getenv("ENGRAM_TEST_DECODER")
	if dir == "" {
		dir = trainedOnNoise(b, a, 6000, 700)
	}
	for _, shared := range []bool{false, true} {
		d, err := a.OpenDecoder(b.Context(), dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = d.Close() })
		if shared {
			d.Batch(batch.Options{Runs: cpuRuns})
		}
		trials := noise(64, d.Config().Voxels)
		w.add(shared, func(ctx context.Context, i int) error {
			_, err := d.predict(ctx, [][]float32{trials.Data[i%64*trials.Cols:][:trials.Cols]})
			return err
		})
	}
	return w
}

// trainedOnNoise returns a linear decoder of 65 tokens of 128. With 6,000 voxels and 700
// trials it has 512 components, as the demo's has.
func trainedOnNoise(b testing.TB, a *App, voxels, trials int) (dir string) {
	b.Helper()
	rt, err := a.Runtime(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	data := scan.Data{T: 65, D: 128, Voxels: noise(trials, voxels), Targets: noise(trials, 65*128)}
	for i := range data.Voxels.Rows {
		data.Images = append(data.Images, i)
	}
	m, err := scan.Train(b.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		b.Fatal(err)
	}
	if want := min(trials-1, 512); m.Config.Rank != want {
		b.Fatalf("the decoder has %d components, wanted %d", m.Config.Rank, want)
	}
	dir = filepath.Join(b.TempDir(), "decoder")
	if err := SaveDecoder(b.Context(), m, dir); err != nil {
		b.Fatal(err)
	}
	return dir
}

func noise(rows, cols int) blas32.General {
	rng := rand.New(rand.NewPCG(1, 2))
	out := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
	for i := range out.Data {
		out.Data[i] = float32(rng.NormFloat64())
	}
	return out
}
