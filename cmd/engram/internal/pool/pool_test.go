package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"engram/cmd/engram/internal/pool"
)

// opened is a value of a workshop.
type opened struct {
	*workshop
	name   string
	closed atomic.Bool
}

func (o *opened) Close() error {
	if o.closed.Swap(true) {
		o.t.Errorf("%s is closed twice", o.name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open--
	o.log = append(o.log, "-"+o.name)
	return o.fault
}

// workshop opens values and counts them.
type workshop struct {
	t     *testing.T
	takes time.Duration // to open one
	fault error         // of closing

	mu   sync.Mutex
	open int
	most int      // ever open at once
	log  []string // +NAME opened, -NAME closed
}

var errBroken = errors.New("broken")

func (w *workshop) make(ctx context.Context, name string) (*opened, error) {
	w.mu.Lock()
	w.open++
	w.most = max(w.most, w.open)
	w.log = append(w.log, "+"+name)
	w.mu.Unlock()
	time.Sleep(w.takes)
	err := ctx.Err()
	if name == "broken" {
		err = errBroken
	}
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
		return nil, err
	}
	return &opened{workshop: w, name: name}, nil
}

// did returns what was opened and closed, in order, and forgets it.
func (w *workshop) did() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprint(w.log)
	w.log = nil
	return text
}

func (w *workshop) pool(most int) *pool.Pool[string, *opened] {
	return pool.New(pool.Options[string, *opened]{Most: most, Open: w.make, Retry: 10 * time.Second})
}

// lend lends a value, and checks that it is open. Goroutines may call it.
func lend(t *testing.T, p *pool.Pool[string, *opened], name string) (giveBack func()) {
	t.Helper()
	value, giveBack, err := p.Lend(t.Context(), name)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	if value.name != name || value.closed.Load() {
		t.Errorf("lent %s, closed %v, wanted %s open", value.name, value.closed.Load(), name)
	}
	return giveBack
}

func TestTheLeastRecentlyUsedMakesRoomWhenItIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t, takes: time.Second}
		p := w.pool(2)
		lend(t, p, "a")()
		lend(t, p, "b")()
		again := lend(t, p, "a")
		again()
		again() // a second time changes nothing
		if got := w.did(); got != "[+a +b]" {
			t.Errorf("%s, wanted a and b opened once", got)
		}
		keep := lend(t, p, "a")
		lend(t, p, "c")()
		if got := w.did(); got != "[-b +c]" {
			t.Errorf("%s, wanted c in the place of b, which is older and idle", got)
		}
		lend(t, p, "b")()
		if got := w.did(); got != "[-c +b]" {
			t.Errorf("%s, wanted b in the place of c: a is older and in use", got)
		}
		if got := p.Values(); len(got) != 2 {
			t.Errorf("%d values are open, wanted 2", len(got))
		}
		keep()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if w.open != 0 || w.most != 2 {
			t.Errorf("%d are open at the end, %d were at most, wanted 0 and 2", w.open, w.most)
		}
	})
}

func TestWhatIsInUseIsNotClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t, takes: time.Second}
		p := w.pool(1)
		first, giveFirst, err := p.Lend(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 2)
		ask := func(name string) {
			lend(t, p, name)()
			got <- name
		}
		go ask("b")
		synctest.Wait()
		go ask("a") // behind b, or else b would wait as long as somebody asks for a
		time.Sleep(time.Minute)
		if first.closed.Load() || len(got) != 0 {
			t.Fatalf("a was closed: %v, others were served: %d", first.closed.Load(), len(got))
		}
		giveFirst()
		if a, b := <-got, <-got; a != "b" || b != "a" {
			t.Errorf("served %s, then %s, wanted b, then a", a, b)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if got := w.did(); got != "[+a -a +b -b +a -a]" {
			t.Errorf("%s", got)
		}
	})
}

func TestWhoAsksMeanwhileSharesOneOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t, takes: time.Second}
		p := w.pool(3)
		var done sync.WaitGroup
		for range 50 {
			done.Go(func() { lend(t, p, "a")() })
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, _, err := p.Lend(impatient, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, wanted that of the context", err)
		}
		done.Wait()
		lend(t, p, "b")() // its opening went on
		if got := w.did(); got != "[+a +b]" && got != "[+b +a]" {
			t.Errorf("%s, wanted each opened once", got)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyWaitsForWhatNobodyWantsAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t}
		p := w.pool(1)
		giveBack := lend(t, p, "a")
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, _, err := p.Lend(impatient, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, wanted that of the context", err)
		}
		giveBack()
		lend(t, p, "c")()
		if got := w.did(); got != "[+a -a +c]" {
			t.Errorf("%s, wanted b never opened", got)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnErrorIsTheAnswerForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t, takes: time.Second}
		p := w.pool(1)
		fails := func() {
			t.Helper()
			if _, _, err := p.Lend(t.Context(), "broken"); !errors.Is(err, errBroken) {
				t.Errorf("error %v, wanted %v", err, errBroken)
			}
		}
		fails()
		fails()
		lend(t, p, "a")() // has the room
		fails()
		if got := w.did(); got != "[+broken +a]" {
			t.Errorf("%s, wanted broken tried once", got)
		}
		time.Sleep(10 * time.Second)
		fails()
		if got := w.did(); got != "[-a +broken]" {
			t.Errorf("%s, wanted broken tried again", got)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseWaitsForWhatIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{t: t, takes: time.Second, fault: errBroken}
		p := w.pool(1)
		value, giveBack, err := p.Lend(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		refused, closed := make(chan error, 1), make(chan error, 1)
		go func() {
			_, _, err := p.Lend(t.Context(), "b")
			refused <- err
		}()
		synctest.Wait()
		go func() { closed <- p.Close() }()
		if err := <-refused; !errors.Is(err, pool.ErrClosed) {
			t.Errorf("who waits gets %v, wanted %v", err, pool.ErrClosed)
		}
		synctest.Wait()
		if value.closed.Load() || len(closed) != 0 {
			t.Error("closed while it is lent")
		}
		giveBack()
		if err := <-closed; !errors.Is(err, errBroken) || !value.closed.Load() {
			t.Errorf("error %v, closed %v, wanted that of the value, closed", err, value.closed.Load())
		}
		if _, _, err := p.Lend(t.Context(), "a"); !errors.Is(err, pool.ErrClosed) {
			t.Errorf("after Close: error %v, wanted %v", err, pool.ErrClosed)
		}
		if err := p.Close(); err != nil || w.open != 0 {
			t.Errorf("a second Close: %v, %d open", err, w.open)
		}
	})
}

// Many ask for more than there is room for, some of them without patience. All that is lent
// is open, there is never more than the room, and everybody is served.
func TestManyAtOnce(t *testing.T) {
	w := &workshop{t: t, takes: 50 * time.Microsecond}
	p := w.pool(3)
	var served atomic.Int64
	var done sync.WaitGroup
	for i := range uint64(16) {
		done.Go(func() {
			random := rand.New(rand.NewPCG(1, i))
			for range 200 {
				name := string(rune('a' + random.IntN(6)))
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if random.IntN(4) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(200))*time.Microsecond)
				}
				value, giveBack, err := p.Lend(ctx, name)
				if err == nil {
					time.Sleep(time.Duration(random.IntN(100)) * time.Microsecond)
					if value.name != name || value.closed.Load() {
						t.Errorf("lent %s, closed %v, wanted %s open", value.name, value.closed.Load(), name)
					}
					giveBack()
					served.Add(1)
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				cancel()
			}
		})
	}
	done.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if w.open != 0 || w.most > 3 || served.Load() < 16*200/2 {
		t.Errorf("%d are open, %d were at most, %d loans, wanted 0, 3 at most, and most of 3,200", w.open, w.most, served.Load())
	}
	if values := p.Values(); !slices.Equal(values, nil) {
		t.Errorf("%d values after Close", len(values))
	}
}
