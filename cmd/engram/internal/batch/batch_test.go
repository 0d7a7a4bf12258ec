package batch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"engram/cmd/engram/internal/batch"
)

// model is a run that takes a second and squares numbers. It remembers its runs.
type model struct {
	mu     sync.Mutex
	runs   [][]int
	at     int // runs at once, now
	most   int // and the most there were
	ended  []error
	refuse int // a number with which a run fails
}

func (m *model) run(ctx context.Context, in []int) ([]int, error) {
	m.mu.Lock()
	m.runs = append(m.runs, slices.Clone(in))
	m.at++
	m.most = max(m.most, m.at)
	m.mu.Unlock()
	var err error
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		err = ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at--
	m.ended = append(m.ended, err)
	if m.refuse != 0 && slices.Contains(in, m.refuse) {
		return nil, fmt.Errorf("%d is refused", m.refuse)
	}
	out := make([]int, len(in))
	for i, x := range in {
		out[i] = x * x
	}
	return out, err
}

// asker asks for several numbers, each in a goroutine of its own.
type asker struct {
	b      *batch.Batcher[int, int]
	done   sync.WaitGroup
	mu     sync.Mutex
	faults map[int]error
	took   map[int]time.Duration
}

func (a *asker) ask(ctx context.Context, numbers ...int) {
	for _, x := range numbers {
		a.done.Go(func() {
			began := time.Now()
			got, err := a.b.Do(ctx, x)
			if err == nil && got != x*x {
				err = fmt.Errorf("%d, wanted %d", got, x*x)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.faults[x], a.took[x] = err, time.Since(began)
		})
		synctest.Wait() // so that they come in this order
	}
}

func newAsker(run func(context.Context, []int) ([]int, error), opts batch.Options) *asker {
	return &asker{b: batch.New(run, opts), faults: map[int]error{}, took: map[int]time.Duration{}}
}

// none wants no call to have failed.
func (a *asker) none(t *testing.T) {
	t.Helper()
	for x, err := range a.faults {
		if err != nil {
			t.Errorf("%d: %v", x, err)
		}
	}
}

// What comes while a run goes on is the next run, at most Size at a time.
func TestCallsThatComeDuringARunAreTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		var sizes []int
		a := newAsker(m.run, batch.Options{Size: 3, Observe: func(n int) { sizes = append(sizes, n) }})
		a.ask(t.Context(), 1, 2, 3, 4, 5)
		a.done.Wait()
		a.none(t)
		if got := fmt.Sprint(m.runs, sizes); got != "[[1] [2 3 4] [5]] [1 3 1]" {
			t.Errorf("the runs were %s", got)
		}
		if a.took[1] != time.Second || a.took[4] != 2*time.Second || a.took[5] != 3*time.Second {
			t.Errorf("the calls took %v", a.took)
		}
	})
}

// Several inputs of one caller share runs, and a caller that goes leaves none of them behind.
func TestAllOfACallerShareRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := model{refuse: 9}
		b := batch.New(m.run, batch.Options{Size: 3})
		got, err := b.DoAll(t.Context(), []int{1, 2, 3, 4, 5})
		if fmt.Sprint(got, err, m.runs) != "[1 4 9 16 25] <nil> [[1 2 3] [4 5]]" {
			t.Errorf("%v, %v in the runs %v", got, err, m.runs)
		}
		if got, err := b.DoAll(t.Context(), nil); len(got) != 0 || err != nil {
			t.Errorf("of nothing: %v, %v", got, err)
		}
		if _, err := b.DoAll(t.Context(), []int{7, 9}); err == nil || err.Error() != "9 is refused" {
			t.Errorf("of 9, which is refused: %v", err)
		}
		m.runs, m.ended = nil, nil
		short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond) // in the second run of three
		defer cancel()
		began := time.Now()
		_, err = b.DoAll(short, []int{1, 2, 3, 4, 5, 6, 7})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 1500*time.Millisecond {
			t.Errorf("a caller that went: %v after %v", err, took)
		}
		if err := b.Close(); err != nil || fmt.Sprint(m.runs, m.ended) != "[[1 2 3] [4 5 6]] [<nil> context canceled]" {
			t.Errorf("the runs were %v and ended with %v, %v", m.runs, m.ended, err)
		}
	})
}

// As many runs go on at once as are allowed, and no more.
func TestRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(m.run, batch.Options{Runs: 2})
		a.ask(t.Context(), 1, 2, 3, 4, 5)
		a.done.Wait()
		a.none(t)
		if got := fmt.Sprint(m.runs); got != "[[1] [2] [3 4 5]]" || m.most != 2 {
			t.Errorf("the runs were %s, %d at once", got, m.most)
		}
	})
}

// A call waits for others as long as Wait says, the time behind another run counted, and
// not for more than fit.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(m.run, batch.Options{Size: 3, Wait: 400 * time.Millisecond})
		a.ask(t.Context(), 1)
		time.Sleep(100 * time.Millisecond)
		a.ask(t.Context(), 2)
		time.Sleep(time.Second)
		a.ask(t.Context(), 3) // .3 s before the first run ends
		a.done.Wait()
		a.ask(t.Context(), 4, 5, 6)
		a.done.Wait()
		a.none(t)
		if got := fmt.Sprint(m.runs); got != "[[1 2] [3] [4 5 6]]" {
			t.Errorf("the runs were %s", got)
		}
		for x, want := range map[int]time.Duration{1: 1400, 2: 1300, 3: 1400, 4: 1000} {
			if a.took[x] != want*time.Millisecond {
				t.Errorf("%d took %v, wanted %v", x, a.took[x], want*time.Millisecond)
			}
		}
	})
}

// A call that makes its run fail costs itself.
func TestOneThatFailsCostsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := model{refuse: 3}
		a := newAsker(m.run, batch.Options{})
		a.ask(t.Context(), 1, 2, 3, 4)
		a.done.Wait()
		if err := a.faults[3]; err == nil || err.Error() != "3 is refused" {
			t.Errorf("3: %v", err)
		}
		delete(a.faults, 3)
		a.none(t)
		if got := fmt.Sprint(m.runs); got != "[[1] [2 3 4] [2] [3] [4]]" {
			t.Errorf("the runs were %s", got)
		}
	})
}

// A panic reaches the caller of the input that made it, and nobody else.
func TestAPanicReachesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(func(ctx context.Context, in []int) ([]int, error) {
			if slices.Contains(in, 3) {
				panic("three")
			}
			return m.run(ctx, in)
		}, batch.Options{})
		a.ask(t.Context(), 1, 2)
		var cause any
		a.done.Go(func() {
			defer func() { cause = recover() }()
			_, _ = a.b.Do(t.Context(), 3)
		})
		a.done.Wait()
		a.none(t)
		if text, _ := cause.(string); !strings.HasPrefix(text, "three\n") || !strings.Contains(text, "batch_test.go") {
			t.Errorf("the caller of 3 had the panic %q", text)
		}
	})
}

// A run that returns too few is an error of each of its calls.
func TestARunThatReturnsTooFew(t *testing.T) {
	b := batch.New(func(context.Context, []int) ([]int, error) { return nil, nil }, batch.Options{})
	if _, err := b.Do(t.Context(), 1); err == nil || err.Error() != "batch: 0 outputs, wanted 1" {
		t.Errorf("error %v", err)
	}
}

// A caller that goes has its answer at once, and the run goes on for the others.
func TestACallerThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(m.run, batch.Options{})
		short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond) // in the second run
		defer cancel()
		shorter, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // while it waits for it
		defer cancel()
		a.ask(t.Context(), 1)
		a.ask(short, 2)
		a.ask(shorter, 3)
		a.ask(t.Context(), 4)
		a.done.Wait()
		if !errors.Is(a.faults[2], context.DeadlineExceeded) || a.took[2] != 1500*time.Millisecond {
			t.Errorf("2, which went during its run: %v after %v", a.faults[2], a.took[2])
		}
		if !errors.Is(a.faults[3], context.DeadlineExceeded) || a.took[3] != 500*time.Millisecond {
			t.Errorf("3, which went before its run: %v after %v", a.faults[3], a.took[3])
		}
		delete(a.faults, 2)
		delete(a.faults, 3)
		a.none(t)
		if got := fmt.Sprint(m.runs, m.ended); got != "[[1] [2 4]] [<nil> <nil>]" {
			t.Errorf("the runs were %s", got)
		}
	})
}

// A run ends when nobody waits for it any more, one of several calls as one of one, and
// what waits goes on.
func TestARunThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(m.run, batch.Options{})
		first, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		second, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		a.ask(first, 1)
		a.ask(second, 2, 3)
		time.Sleep(200 * time.Millisecond) // the second run goes on
		a.ask(t.Context(), 4)
		a.done.Wait()
		if got := fmt.Sprint(m.runs); got != "[[1] [2 3] [4]]" || a.took[4] != 1100*time.Millisecond {
			t.Errorf("the runs were %s, and 4 took %v", got, a.took[4])
		}
		if got := m.ended; !errors.Is(got[0], context.DeadlineExceeded) || !errors.Is(got[1], context.Canceled) || got[2] != nil {
			t.Errorf("the runs ended with %v", got)
		}
	})
}

// A call whose context has ended does not run.
func TestACallThatIsOverDoesNotRun(t *testing.T) {
	var m model
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := batch.New(m.run, batch.Options{}).Do(ctx, 1); !errors.Is(err, context.Canceled) || len(m.runs) > 0 {
		t.Errorf("error %v, runs %v", err, m.runs)
	}
}

// Close waits for running and for waiting calls, and refuses new ones.
// No goroutine is left, which synctest would tell.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m model
		a := newAsker(m.run, batch.Options{Wait: time.Hour, Size: 8})
		a.ask(t.Context(), 1, 2)
		for range 2 {
			if err := a.b.Close(); err != nil {
				t.Error(err)
			}
		}
		if got := fmt.Sprint(m.runs, m.ended); got != "[[1 2]] [<nil>]" {
			t.Errorf("the runs were %s", got)
		}
		if _, err := a.b.Do(t.Context(), 3); !errors.Is(err, batch.ErrClosed) {
			t.Errorf("a call behind Close: %v", err)
		}
		a.done.Wait()
		a.none(t)
	})
}

// Many callers, of whom some go and some make runs fail, have each what is theirs. The
// race detector looks on.
func TestManyCallers(t *testing.T) {
	var most, runs atomic.Int64
	b := batch.New(func(_ context.Context, in []int) ([]int, error) {
		runs.Add(1)
		time.Sleep(time.Duration(len(in)) * 20 * time.Microsecond)
		out := make([]int, len(in))
		for i, x := range in {
			if x%50 == 0 {
				return nil, fmt.Errorf("%d is refused", x)
			}
			out[i] = -x
		}
		return out, nil
	}, batch.Options{Size: 8, Runs: 2, Wait: 50 * time.Microsecond, Observe: func(n int) {
		for seen := most.Load(); int64(n) > seen && !most.CompareAndSwap(seen, int64(n)); seen = most.Load() {
		}
	}})
	var callers sync.WaitGroup
	for c := range 32 {
		callers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 1))
			for range 200 {
				x := 1 + rng.IntN(1000)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(2000))*time.Microsecond)
				got, err := b.Do(ctx, x)
				cancel()
				switch {
				case errors.Is(err, context.DeadlineExceeded):
				case x%50 == 0:
					if err == nil || err.Error() != fmt.Sprintf("%d is refused", x) {
						t.Errorf("%d: %v", x, err)
					}
				case err != nil || got != -x:
					t.Errorf("%d: %d, %v", x, got, err)
				}
			}
		})
	}
	callers.Wait()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if most.Load() < 2 || most.Load() > 8 {
		t.Errorf("the largest of %d runs had %d calls, wanted 2 to 8", runs.Load(), most.Load())
	}
}

// BenchmarkDo is what a call costs that shares its run with nobody.
func BenchmarkDo(b *testing.B) {
	same := batch.New(func(_ context.Context, in []int) ([]int, error) { return in, nil }, batch.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := same.Do(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}
