package limit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRatesAreEachClients(t *testing.T) {
	start := time.Unix(0, 0)
	r := NewRates(2, 3)
	for i := range 3 {
		if wait := r.Take("a", start); wait != 0 {
			t.Errorf("request %d waits %v", i, wait)
		}
	}
	for range 2 { // a refused request costs nothing
		if wait := r.Take("a", start); wait != 500*time.Millisecond {
			t.Errorf("the fourth waits %v, wanted half a second", wait)
		}
	}
	if wait := r.Spent("a", start.Add(100*time.Millisecond)); wait != 400*time.Millisecond {
		t.Errorf("spent for %v, wanted .4 s", wait)
	}
	if wait := r.Take("b", start); wait != 0 {
		t.Errorf("another client waits %v", wait)
	}
	if wait := r.Take("a", start.Add(500*time.Millisecond)); wait != 0 {
		t.Errorf("half a second later it waits %v", wait)
	}
}

// However many clients come, few are remembered, and one that has spent its requests is.
func TestRatesForgetWhoIsIdle(t *testing.T) {
	start := time.Unix(0, 0)
	r := NewRates(1, 1)
	for i := range maxClients - 1 {
		r.Take(fmt.Sprint(i), start)
	}
	later := start.Add(time.Hour)
	r.Take("spent", later)
	r.Take("new", later)
	if len(r.clients) != 2 {
		t.Errorf("%d clients are remembered, wanted the last two", len(r.clients))
	}
	if wait := r.Take("spent", later); wait != time.Second {
		t.Errorf("who has spent its requests waits %v, wanted a second", wait)
	}
	for i := range 2*maxClients + 1 {
		r.Take(fmt.Sprint("again", i), later)
	}
	if len(r.clients) > maxClients {
		t.Errorf("%d clients are remembered", len(r.clients))
	}
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(2, 1)
		for range 2 {
			if err := q.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		entered := make(chan error)
		go func() { entered <- q.Enter(t.Context()) }()
		synctest.Wait()
		if running, waiting := q.Length(); running != 2 || waiting != 1 {
			t.Errorf("%d run and %d wait, wanted 2 and 1", running, waiting)
		}
		if err := q.Enter(t.Context()); !errors.Is(err, ErrFull) {
			t.Errorf("the fourth: %v, wanted ErrFull", err)
		}
		q.Leave()
		if err := <-entered; err != nil {
			t.Errorf("who waited: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits too long: %v", err)
		}
		if _, waiting := q.Length(); waiting != 0 {
			t.Errorf("%d wait after all have left", waiting)
		}
	})
}

func ExampleQueue() {
	q := NewQueue(1, 0)
	fmt.Println(q.Enter(context.Background()))
	fmt.Println(q.Enter(context.Background()))
	q.Leave()
	fmt.Println(q.Enter(context.Background()))
	// Output:
	// <nil>
	// the queue is full
	// <nil>
}
