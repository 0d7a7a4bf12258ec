package pixels

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

func TestDecodesWaitForMemory(t *testing.T) {
	data := sample(t, "rgb.png")
	budget := NewBudget(1 << 20)
	limits := Limits{Budget: budget, Patience: time.Millisecond}
	if _, err := Decode(t.Context(), bytes.NewReader(data), limits); err != nil {
		t.Fatal(err)
	}
	// All of it is free again, and may be taken.
	taken, err := budget.take(t.Context(), 1<<20, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(data), limits); !errors.Is(err, ErrBusy) {
		t.Errorf("a decode without memory says %v, want %v", err, ErrBusy)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ended, bytes.NewReader(data), limits); !errors.Is(err, context.Canceled) {
		t.Errorf("a decode that nobody waits for says %v, want %v", err, context.Canceled)
	}

	patient := Limits{Budget: NewBudget(1 << 20)}
	taken2, err := patient.Budget.take(t.Context(), 1<<20, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := Decode(t.Context(), bytes.NewReader(data), patient)
		done <- err
	}()
	taken2.keep(0)
	if err := <-done; err != nil {
		t.Errorf("a decode that waited: %v", err)
	}
	taken.keep(0)
	if _, err := Decode(t.Context(), bytes.NewReader(data), limits); err != nil {
		t.Errorf("after memory was given back: %v", err)
	}
	if _, err := Decode(t.Context(), bytes.NewReader(data), Limits{Budget: NewBudget(1000)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a decode of more than there is says %v, want %v", err, ErrTooLarge)
	}
}

func TestUsersHoldTheImageAlone(t *testing.T) {
	budget := NewBudget(1 << 20)
	err := Use(t.Context(), bytes.NewReader(sample(t, "rgb.png")), Limits{Budget: budget}, func(img *Image) error {
		if _, err := budget.take(t.Context(), 1<<20, time.Millisecond); !errors.Is(err, ErrBusy) {
			t.Errorf("the image is not counted: %v", err)
		}
		rest, err := budget.take(t.Context(), 1<<20-int64(len(img.Pix)), time.Millisecond)
		if err != nil {
			t.Errorf("more than the image is counted: %v", err)
			return nil
		}
		rest.keep(0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := budget.take(t.Context(), 1<<20, time.Millisecond); err != nil {
		t.Errorf("the image is counted for ever: %v", err)
	}
}
