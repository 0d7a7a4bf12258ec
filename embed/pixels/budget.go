package pixels

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrBusy reports that the memory of a Budget was taken for longer than the
// caller's patience.
var ErrBusy = errors.New("too many images are being decoded")

// Budget bounds the memory of all decodes that share it: of a server's requests
// together, or of a build's workers. A decode takes what it will need at its peak
// before it takes any memory, and waits where that is not free. Without a Budget
// every decode begins at once. It is safe for concurrent use.
type Budget struct {
	bytes int64
	free  *semaphore.Weighted
}

// NewBudget returns a Budget of so many bytes; 0 means 512 MiB and 256 MiB for
// each processor.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		bytes = 512<<20 + 256<<20*int64(runtime.GOMAXPROCS(0))
	}
	return &Budget{bytes: bytes, free: semaphore.NewWeighted(bytes)}
}

// garbage is how much a decode leaves behind for the collector to be called at
// once, so that the next one does not add to it.
const garbage = 128 << 20

// lease is what one decode has of a Budget.
type lease struct {
	budget *Budget
	bytes  int64
}

// take waits for memory, for patience where that is not 0, then fails with
// ErrBusy. A decode that wants more than there is at all fails with ErrTooLarge.
func (b *Budget) take(ctx context.Context, bytes int64, patience time.Duration) (*lease, error) {
	if b == nil {
		return &lease{}, ctx.Err()
	}
	if bytes > b.bytes {
		return nil, fmt.Errorf("decoding takes %d MiB of memory, there are %d: %w", bytes>>20, b.bytes>>20, ErrTooLarge)
	}
	within := ctx
	if patience > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	if err := b.free.Acquire(within, bytes); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("decoding takes %d MiB of memory, which were not free for %v: %w", bytes>>20, patience, ErrBusy)
	}
	return &lease{b, bytes}, nil
}

// keep gives back all but so many bytes.
func (l *lease) keep(bytes int64) {
	back := l.bytes - bytes
	if l.budget == nil || back <= 0 {
		return
	}
	if back >= garbage {
		runtime.GC()
	}
	l.bytes = bytes
	l.budget.free.Release(back)
}
