package laion

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"engram/data/npy"
	"engram/data/parquet"
	"engram/data/vfs"
)

// ErrExists says that the pair to be written is already there and complete.
var ErrExists = errors.New("shard exists")

// errClosed ends a writer that did not fail.
var errClosed = errors.New("laion: the writer is closed")

// WriterOptions say how a folder is written.
type WriterOptions struct {
	Dim     int   // elements of a vector
	Sets    []Set // the embeddings of each row; Image alone without any
	Float32 bool  // rather than float16, as clip-retrieval has it
	// RowsPerFile is the length of a shard, 1,000,000 where it is 0.
	RowsPerFile int
	First       int // number of the first shard written
	// Shards is how many shards the folder will have. Numbers are padded with
	// zeros to as many digits as clip-retrieval takes, so that they also sort
	// as text; to four digits where it is 0.
	Shards int
}

// Writer writes shards of embeddings and metadata. It is not safe for
// concurrent use, but several writers may fill one folder with different
// shards.
type Writer struct {
	fsys  vfs.FS
	dir   string
	o     WriterOptions
	done  []int // complete pairs that were there before
	shard int   // number of the pair under way or, between pairs, of the next one
	pair  *pending
	err   error // that ended the writer
}

// pending is a pair under way: an array for every set, and the table.
type pending struct {
	files  []*vfs.PendingFile
	arrays []*npy.RowWriter
	table  *parquet.Writer
}

// Create starts a writer of shards into dir, which it makes. Nothing that is
// there is touched before the first pair is complete.
func Create(fsys vfs.FS, dir string, o WriterOptions) (*Writer, error) {
	if o.Dim < 1 || o.RowsPerFile < 0 || o.First < 0 || o.Shards < 0 {
		return nil, fmt.Errorf("laion: wanted vectors of at least one element and counts from zero, found %+v", o)
	}
	if len(o.Sets) == 0 {
		o.Sets = []Set{Image}
	}
	if o.RowsPerFile == 0 {
		o.RowsPerFile = 1_000_000
	}
	done, err := Done(dir, o.Sets...)
	if err != nil {
		return nil, err
	}
	for _, sub := range append([]Set{"metadata"}, o.Sets...) {
		if err := vfs.MkdirAllFS(fsys, filepath.Join(dir, string(sub)), 0o755); err != nil {
			return nil, fmt.Errorf("laion: %w", err)
		}
	}
	return &Writer{fsys: fsys, dir: dir, o: o, done: done, shard: o.First}, nil
}

// Done returns the numbers of the shards in dir that are complete for all of the
// sets, in ascending order; none where there is no such folder.
func Done(dir string, sets ...Set) ([]int, error) {
	var done []int
	for i, set := range sets {
		shards, err := List(dir, set)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrNoShards) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var complete []int
		for _, s := range shards {
			if s.Err == nil && (i == 0 || slices.Contains(done, s.Number)) {
				complete = append(complete, s.Number)
			}
		}
		done = complete
	}
	return done, nil
}

// path returns the path of a file of the current pair.
func (w *Writer) path(kind, suffix string) string {
	digits := 4
	if w.o.Shards > 0 {
		digits = len(strconv.Itoa(w.o.Shards))
	}
	return filepath.Join(w.dir, kind, fmt.Sprintf("%s_%0*d%s", kind, digits, w.shard, suffix))
}

func (w *Writer) metadataPath() string { return w.path("metadata", ".parquet") }

// Append adds a row: its payload, and a vector for every one of the sets. It
// refuses a vector of another length or with an element that is not finite, or
// that float16 cannot hold (ErrVector), and a payload as parquet.Writer does
// (parquet.ErrPayload); the writer goes on without the row. The first row of a
// shard that is there and complete is refused (ErrExists). After any other error
// the pair under way is gone and the writer of no more use.
func (w *Writer) Append(payload map[string]any, vectors ...[]float32) error {
	if w.err != nil {
		return w.err
	}
	if err := w.check(vectors); err != nil {
		return fmt.Errorf("laion: shard %d: %w", w.shard, err)
	}
	if w.pair == nil {
		if err := w.begin(); err != nil {
			return w.fail(err)
		}
	}
	if err := w.pair.table.Write(payload); errors.Is(err, parquet.ErrPayload) {
		return fmt.Errorf("laion: %w", err)
	} else if err != nil {
		return w.fail(err)
	}
	for i, v := range vectors {
		if err := w.pair.arrays[i].Write(v); err != nil {
			return w.fail(err)
		}
	}
	if w.pair.table.Len() < w.o.RowsPerFile {
		return nil
	}
	return w.publish()
}

// check refuses vectors that cannot be stored.
func (w *Writer) check(vectors [][]float32) error {
	if len(vectors) != len(w.o.Sets) {
		return fmt.Errorf("wanted a vector for each of %v, found %d: %w", w.o.Sets, len(vectors), ErrVector)
	}
	limit := float32(math.MaxFloat32)
	if !w.o.Float32 {
		limit = math.Nextafter32(65520, 0) // what rounds to 65504, the largest float16
	}
	for i, v := range vectors {
		if len(v) != w.o.Dim {
			return fmt.Errorf("%s: wanted %d elements, found %d: %w", w.o.Sets[i], w.o.Dim, len(v), ErrVector)
		}
		for k, x := range v {
			if !(x >= -limit && x <= limit) {
				return fmt.Errorf("%s: element %d is %v, wanted at most %v: %w", w.o.Sets[i], k, x, limit, ErrVector)
			}
		}
	}
	return nil
}

// begin opens the temporary files of a pair.
func (w *Writer) begin() error {
	if slices.Contains(w.done, w.shard) {
		return fmt.Errorf("shard %d in %s: %w", w.shard, w.dir, ErrExists)
	}
	w.pair = &pending{}
	for _, set := range w.o.Sets {
		f, err := vfs.Create(w.fsys, w.path(string(set), ".npy"))
		if err != nil {
			return err
		}
		w.pair.files = append(w.pair.files, f)
		array, err := npy.NewRowWriter(f, w.o.Dim, !w.o.Float32)
		if err != nil {
			return err
		}
		w.pair.arrays = append(w.pair.arrays, array)
	}
	var err error
	w.pair.table, err = parquet.Create(w.fsys, w.metadataPath())
	return err
}

// publish gives the files of the pair their names, the metadata last: without
// it the embeddings are no shard. Metadata that an interrupted run left is removed
// first, so that it is never read beside the new embeddings.
func (w *Writer) publish() error {
	if err := w.removeMetadata(); err != nil {
		return w.fail(err)
	}
	for len(w.pair.files) > 0 {
		if err := w.pair.arrays[0].Close(); err != nil {
			return w.fail(err)
		}
		f := w.pair.files[0]
		w.pair.files, w.pair.arrays = w.pair.files[1:], w.pair.arrays[1:]
		if err := f.Commit(); err != nil {
			return w.fail(err)
		}
	}
	table := w.pair.table
	w.pair.table = nil
	if err := table.Commit(); err != nil {
		return w.fail(err)
	}
	w.pair = nil
	w.shard++
	return nil
}

// removeMetadata removes the metadata that is there and makes that durable: after
// a power loss it must not be back beside new embeddings.
func (w *Writer) removeMetadata() error {
	path := w.metadataPath()
	err := w.fsys.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.fsys.SyncDir(filepath.Dir(path))
}

// fail ends the writer and removes the pair under way.
func (w *Writer) fail(err error) error {
	w.err = fmt.Errorf("laion: %w", errors.Join(err, w.discard()))
	return w.err
}

func (w *Writer) discard() error {
	if w.pair == nil {
		return nil
	}
	var errs []error
	for _, f := range w.pair.files {
		errs = append(errs, f.Discard())
	}
	if w.pair.table != nil {
		errs = append(errs, w.pair.table.Discard())
	}
	w.pair = nil
	return errors.Join(errs...)
}

// Shard returns the number of the shard that the next row goes to.
func (w *Writer) Shard() int { return w.shard }

// Close publishes the pair under way, if it has rows, and ends the writer. It
// returns the error that ended the writer before, if one did.
func (w *Writer) Close() error {
	if errors.Is(w.err, errClosed) {
		return nil
	}
	if w.err != nil {
		return w.err
	}
	if w.pair != nil && w.pair.table.Len() > 0 {
		if err := w.publish(); err != nil {
			return err
		}
	}
	return w.Discard()
}

// Discard ends the writer without the pair under way. The pairs that were
// published stay. After Close it does nothing.
func (w *Writer) Discard() error {
	if w.err == nil {
		w.err = errClosed
	}
	if err := w.discard(); err != nil {
		return fmt.Errorf("laion: %w", err)
	}
	return nil
}

// Clean removes the temporary files that killed writers have left in dir. No
// writer may be at work there.
func Clean(fsys vfs.FS, dir string) error {
	for _, name := range []string{".*_emb_*.npy.*.tmp", ".metadata_*.parquet.*.tmp"} {
		stale, err := filepath.Glob(literal(dir, filepath.Join("*", name)))
		if err != nil {
			return fmt.Errorf("laion: %w", err)
		}
		for _, path := range stale {
			if err := fsys.Remove(path); err != nil {
				return fmt.Errorf("laion: %w", err)
			}
		}
	}
	return nil
}
