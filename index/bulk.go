package index

import "context"

// Bulk is a Store that takes many items faster when it knows that they are
// coming.
type Bulk interface {
	Store

	// BeginBulk prepares for many Upserts. From then on to EndBulk, what was
	// upserted may be missing in searches, and searches are slow.
	BeginBulk(ctx context.Context) error

	// EndBulk makes everything visible and waits until searches are fast again.
	// progress, where it is not nil, is called now and then with how many of the
	// items are ready. After an error EndBulk can be called again.
	EndBulk(ctx context.Context, progress func(done, total int)) error
}
