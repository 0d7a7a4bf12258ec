package index

import "context"

// Snapshotter is a Store that can be copied while it is written to.
type Snapshotter interface {
	Store

	// Snapshot makes an index in the folder dir with the items and labels of the moment
	// when it is called. dir is made where it is missing; fs.ErrExist says that it is not
	// empty. Searches and writes go on meanwhile.
	Snapshot(ctx context.Context, dir string) error
}
