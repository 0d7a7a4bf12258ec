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
	l := &load{took: time.Millisecond, rate: 1e-9} // the first is due in 30 years
	if err := l.waitForSlot(t.Context(), time.Now()); err != nil {
		t.Error(err)
	}
	l.took = 365 * 24 * time.Hour
	ended, end := context.WithCancel(t.Context())
	end()
	if err := l.waitForSlot(ended, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, wanted %v", err, context.Canceled)
	}
}
