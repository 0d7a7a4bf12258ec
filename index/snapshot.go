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

// ServerSnapshotter is a Store on a server that keeps snapshots itself.
type ServerSnapshotter interface {
	Store

	// SnapshotOnServer has the server make a snapshot of the items of the moment when it
	// is called. Searches and writes go on meanwhile.
	SnapshotOnServer(ctx context.Context) (ServerSnapshot, error)
}

// ServerSnapshot is a snapshot that a server keeps.
type ServerSnapshot struct {
	Name  string `json:"name"` // by which the server knows it
	Bytes int64  `json:"bytes"`
}
