package ort_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"engram/embed/ort"
)

// spin returns a session of powers and inputs that keep it busy for about d.
func spin(t *testing.T, concurrency int, d time.Duration) (*ort.Session, ort.Tensors) {
	t.Helper()
	const probe = 200
	s := open(t, powers(), ort.SessionOptions{Concurrency: concurrency})
	start := time.Now()
	if err := s.Run(t.Context(), trips(probe), ort.Tensors{"end": nil}); err != nil {
		t.Fatal(err)
	}
	each := time.Since(start) / probe
	return s, trips(int64(d / each))
}

func TestCancelStopsALongRun(t *testing.T) {
	const full = 2 * time.Minute
	s, long := spin(t, 1, full)
	cases := []struct {
		name   string
		cancel func(ctx context.Context) (context.Context, context.CancelFunc)
		want   error
	}{
		{"cancel", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}, context.DeadlineExceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := c.cancel(t.Context())
			defer cancel()
			start := time.Now()
			err := s.Run(ctx, long, ort.Tensors{"end": nil})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "powers") {
				t.Errorf("Run returned %v, want %v and the model's name", err, c.want)
			}
			if took := time.Since(start); took > full/10 {
				t.Errorf("Run returned after %v, the whole takes %v", took, full)
			}
		})
	}
	if err := s.Run(t.Context(), trips(3), ort.Tensors{"end": nil}); err != nil {
		t.Errorf("a run after cancelled ones: %v", err)
	}
}

func TestRunDoesNotStartWithACancelledContext(t *testing.T) {
	s := open(t, product(2, 3, 2), ort.SessionOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	place := []float32{-1, -1, -1, -1}
	err := s.Run(ctx, matrices(), ort.Tensors{"y": {Shape: []int64{2, 2}, Data: place}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want context.Canceled", err)
	}
	if place[0] != -1 {
		t.Error("the model ran")
	}
}

func TestWaitingRunsHonourTheirContext(t *testing.T) {
	s, long := spin(t, 1, 2*time.Minute)
	busy, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(busy, long, ort.Tensors{"end": nil}) })
	time.Sleep(50 * time.Millisecond) // the slot is taken now
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Run(ctx, trips(1), ort.Tensors{"end": nil}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the run that waited returned %v, want context.DeadlineExceeded", err)
	}
	stop()
	wg.Wait()
}

func TestCloseWaitsForRuns(t *testing.T) {
	s, work := spin(t, 1, time.Second)
	var done atomic.Bool
	var ran, waited error
	var wg sync.WaitGroup
	wg.Go(func() {
		ran = s.Run(t.Context(), work, ort.Tensors{"end": nil})
		done.Store(true)
	})
	time.Sleep(30 * time.Millisecond)
	wg.Go(func() { waited = s.Run(t.Context(), work, ort.Tensors{"end": nil}) })
	time.Sleep(30 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wg.Wait()
	if ran != nil || !done.Load() {
		t.Errorf("the run under way returned %v, want nil", ran)
	}
	if !errors.Is(waited, ort.ErrClosed) {
		t.Errorf("the run that waited returned %v, want ErrClosed", waited)
	}
	if err := s.Run(t.Context(), work, ort.Tensors{"end": nil}); !errors.Is(err, ort.ErrClosed) {
		t.Errorf("a run after Close returned %v, want ErrClosed", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}

func TestConcurrentRunsAreRight(t *testing.T) {
	s := open(t, product(-1, 3, 2), ort.SessionOptions{Concurrency: 3})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 100 {
				x := float32(worker*1000 + i)
				in := matrices()
				in["a"] = &ort.Tensor{Shape: []int64{1, 3}, Data: []float32{x, 2 * x, 1}}
				out := ort.Tensors{"y": nil}
				if err := s.Run(t.Context(), in, out); err != nil {
					t.Error(err)
					return
				}
				if y := out["y"].Data.([]float32); y[0] != x+1 || y[1] != 2*x+1 {
					t.Errorf("worker %d, run %d: got %v, want [%v %v]", worker, i, y, x+1, 2*x+1)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestRunsDoNotGrowMemory runs outputs of both kinds, allocated by Go and by C,
// 1,000 times after a warm-up. One of each pair of 256 KiB that were leaked per
// run would show as 250 MiB.
func TestRunsDoNotGrowMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: resident memory is read from /proc, which is Linux's")
	}
	const bound = 16 << 20
	n := int64(256)
	for _, rows := range []int64{n, -1} {
		s := open(t, product(rows, n, n), ort.SessionOptions{})
		in := ort.Tensors{
			"a": {Shape: []int64{n, n}, Data: make([]float32, n*n)},
			"b": {Shape: []int64{n, n}, Data: make([]float32, n*n)},
		}
		run := func(count int) {
			for range count {
				if err := s.Run(t.Context(), in, ort.Tensors{"y": nil}); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(200)
		before := resident(t)
		run(1000)
		grown := resident(t) - before
		t.Logf("rows=%d: resident memory grew by %d KiB over 1,000 runs", rows, grown>>10)
		if grown > bound {
			t.Errorf("rows=%d: resident memory grew by %d bytes over 1,000 runs, want at most %d", rows, grown, bound)
		}
	}
}

// resident returns the resident memory of this process in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func BenchmarkRunOfATinyModel(b *testing.B) {
	s := open(b, product(2, 3, 2), ort.SessionOptions{})
	in := matrices()
	out := ort.Tensors{"y": {Shape: []int64{2, 2}, Data: make([]float32, 4)}}
	for name, ctx := range map[string]context.Context{"ctx=background": context.Background(), "ctx=cancellable": b.Context()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Run(ctx, in, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
