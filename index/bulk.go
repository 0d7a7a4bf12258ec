package index

import (
	"context"

	"engram/data/progress"
)

// Bulk is a Store that takes many items faster when it knows that they are
// coming.
type Bulk interface {
	Store

	// BeginBulk prepares for many Upserts. Until EndBulk, items that were upserted
	// may be missing in searches, and searches are slow.
	BeginBulk(ctx context.Context) error

	// EndBulk makes everything visible and waits until searches are fast again. The
	// stage that it reports to watch is Indexing, in items. After an error EndBulk
	// can be called again.
	EndBulk(ctx context.Context, watch progress.Func) error
}

// Indexing is the stage in which an engine builds what makes searches fast.
const Indexing = "indexing"
