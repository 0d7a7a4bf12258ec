package sweep

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A client whose upsert is due after the end of a step waits for the end alone, and one whose
// context ends does not wait.
func TestWaitForSlotEndsWithTheStep(t *testing.T) {
	l, start := &load{rate: 1e-9}, time.Now() // the first is due in 30 years
	if err := l.waitForSlot(t.Context(), start, start.Add(time.Millisecond)); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.waitForSlot(ended, start, start.Add(365*24*time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, wanted %v", err, context.Canceled)
	}
}
