package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"engram/data/space"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/bitmap"
	"engram/index/internal/disk"
	"engram/index/internal/graph"
	"engram/index/internal/wal"
)

// Options describe a new index.
type Options struct {
	// Dim is the number of elements of a vector, 1 to 65,536.
	Dim int
	// Space of the vectors (see index.Info).
	Space space.Space
	// Tokens that are kept of each item (see index.TokenStore); the zero value keeps
	// none.
	Tokens index.TokenFormat
	// Indexes are the payload keys that segments have indexes of from the start (see
	// IndexPayload). Keys that filters use often get one by themselves.
	Indexes map[string]index.PayloadKind
}

// Store is an index in a folder. It implements index.Store.
type Store struct {
	folder disk.Folder
	lock   vfs.File   // nil where the store is for reading (see OpenReadOnly)
	info   index.Info // all but Count
	// memoryLimit is the size in bytes of the rows in memory from which the
	// next Upsert flushes first. The writer lock guards it.
	memoryLimit int
	maxLog      int64 // size of a log in bytes from which a flush is due; tests set less
	graphRows   int   // rows from which Optimise builds a graph; tests set fewer
	segmentRows int   // live rows from which a segment gets a graph in the background, likewise
	firstGrown  int   // rows in memory that get a graph at first, likewise
	// calm is how long no flush has ended when the building of a graph begins; tests
	// do not wait.
	calm time.Duration

	current   atomic.Pointer[snapshot] // nil once closed
	snapshots sync.WaitGroup           // the snapshots in use

	room     sync.Mutex           // held by the write that begins a flush for want of room, and taken before flusher
	flusher  sync.Mutex           // held while a flush is under way, and taken before writer
	next     uint64               // number of the next file; numbers are never used twice
	failed   bool                 // the last flush failed
	written  disk.Manifest        // the last one; its labels may be out of date
	making   []disk.SegmentRecord // segments that are written in the background, which no manifest names yet
	recovery Recovery             // never changed once the store is open
	// labels are never changed, only replaced, by who holds flusher.
	labels atomic.Pointer[map[string]string]

	events atomic.Pointer[func(Event)] // see Watch

	fields atomic.Pointer[[]bitmap.Field] // as labels; the manifest has them with the next flush
	demand demand

	writer     sync.Mutex // guards what follows, and the right to set current
	dirty      bool       // current has what the manifest has not, nor a flush under way
	closing    bool       // nothing can be written any more
	gone       int        // rows on disk that are dead since current was last frozen
	flushed    time.Time  // when the last flush ended
	cause      error      // of a flush in the background that failed (see failure)
	background index.Background

	durability Durability
	bulk       bool         // a bulk load is under way
	optimising bool         // Optimise or the end of a bulk load is, which makes the graphs
	log        *wal.Log     // where writes are logged; nil: nowhere
	logEnd     wal.Position // where the chain of logs before log ends

	// endGraphs ends the building of graphs in the background, nil where none are built
	// (see buildGraphs).
	endGraphs context.CancelFunc
	endFollow context.CancelFunc // likewise, see Follow; never changed
	endGrowth context.CancelFunc // likewise, see grow

	scans   atomic.Int64 // rows in memory that are in no graph, looked at by searches (see scanned)
	growing atomic.Bool  // a goroutine puts them into one
	// changing tells that a follower has lately seen something new. What it reads next takes
	// the place of all rows in memory, so that they are scanned until then.
	changing atomic.Bool
	// inserter is held while rows are put into a graph, and taken before writer.
	inserter sync.Mutex
}

var _ index.TokenStore = (*Store)(nil)

// defaultMemoryLimit is 64 MiB: 21,000 rows of 768 elements, which a float32
// scan passes over in a few milliseconds.
const defaultMemoryLimit = 64 << 20

// Create makes an empty index in the folder dir, which is made where it is
// missing, and opens it. fs.ErrExist says that the folder has an index or any
// other file in it.
func Create(dir string, opts Options) (*Store, error) { return CreateFS(vfs.OS{}, dir, opts) }

// CreateFS is Create on a file system.
func CreateFS(fsys vfs.FS, dir string, opts Options) (*Store, error) {
	if opts.Dim < 1 || opts.Dim > disk.MaxDim {
		return nil, fmt.Errorf("an index of dimension %d, wanted 1 to %d: %w", opts.Dim, disk.MaxDim, index.ErrDimension)
	}
	if err := opts.Tokens.Check(); err != nil {
		return nil, err
	}
	fields, err := fieldsOf(opts.Indexes)
	if err != nil {
		return nil, err
	}
	files, err := disk.Create(fsys, dir, disk.Manifest{Dim: opts.Dim, Space: opts.Space, Tokens: opts.Tokens, Fields: fields, Next: 1})
	if err != nil {
		return nil, err
	}
	return newStore(files)
}

// Open opens the index in the folder dir for reading and writing:
// index.ErrNotFound where there is none, index.ErrLocked where another process
// has it open for writing, index.ErrCorrupt where the manifest is damaged. Where
// segments or a log are damaged the index opens with the sound ones, says so
// (index.Info.Damage), and refuses writes until it is repaired (see Repair). Verify says
// what is checked when.
func Open(dir string) (*Store, error) { return OpenFS(vfs.OS{}, dir) }

// OpenFS is Open on a file system.
func OpenFS(fsys vfs.FS, dir string) (*Store, error) {
	files, err := disk.Open(fsys, dir)
	if err != nil {
		return nil, err
	}
	return newStore(files)
}

// newStore makes a store of open files, which it closes after an error.
func newStore(files *disk.Files) (*Store, error) {
	parts := make([]part, len(files.Segments))
	for i, s := range files.Segments {
		parts[i] = storedPart(s)
	}
	return newStoreOf(files, parts)
}

// storedPart is a segment on disk as a snapshot sees it.
func storedPart(s disk.StoredSegment) part {
	r := s.Record
	return part{
		segment: &segment{Segment: s.Segment, file: r.File, graph: r.Graph, fields: r.Fields, stored: s.Fields()},
		dead:    s.Dead, live: r.Rows - s.Dead.Count(), tombstones: r.Dead,
	}
}

// newStoreOf makes a store of parts, and applies the log to it.
func newStoreOf(files *disk.Files, parts []part) (*Store, error) {
	m := files.Manifest
	s := &Store{
		folder: files.Folder, lock: files.Lock, memoryLimit: defaultMemoryLimit, graphRows: graph.MinRows, segmentRows: graph.MinRows / 2, firstGrown: firstGrown,
		maxLog: 4 * defaultMemoryLimit, calm: calmTime, next: m.Next,
		durability: AtFlush, info: index.Info{Engine: "local", Dim: m.Dim, Space: m.Space, Tokens: m.Tokens}, written: m,
	}
	s.labels.Store(&m.Labels)
	s.fields.Store(&m.Fields)
	s.demand.rows = map[bitmap.Field]int64{}
	s.publish(parts)
	if err := s.replay(files); err != nil {
		s.current.Swap(nil).release()
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return nil, err
	}
	return s, nil
}

// Info implements index.Store.
func (s *Store) Info(ctx context.Context) (index.Info, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return index.Info{}, err
	}
	defer snap.release()
	info := s.info
	info.Count, info.Background, info.Damage = snap.count, s.counts(), s.recovery.String()
	return info, nil
}

// Close implements index.Store. It waits for searches and iterations that are
// under way, so it must not be called from within one. Where the flush fails
// the store is closed all the same, and what was neither flushed nor logged is lost.
func (s *Store) Close() error {
	s.flusher.Lock()
	if s.current.Load() == nil {
		s.flusher.Unlock()
		return nil
	}
	s.writer.Lock()
	s.closing = true
	for _, end := range []context.CancelFunc{s.endGraphs, s.endFollow, s.endGrowth} {
		if end != nil {
			end()
		}
	}
	s.writer.Unlock()
	var err error
	switch {
	case s.checkWritable() != nil:
	case s.written.Log != 0:
		err = s.flushAll(context.Background()) // and cut the log off
	default:
		err = s.flush(context.Background())
	}
	s.current.Swap(nil).release()
	s.flusher.Unlock()
	s.snapshots.Wait()
	if s.readOnly() {
		return err
	}
	return errors.Join(err, s.lock.Close())
}

// Verify reads every file of the index and compares each byte with its
// checksum; index.ErrCorrupt marks damage. The error says, with file and offset, the
// first damage of each file, and what opening has found.
//
// Opening checks less: the manifest, tombstones, the log, and of a segment everything
// but codes, vectors and payloads. Get, All and searches with payloads check
// the blocks of 4 KiB that they hand out; a scan and its filter check nothing.
func (s *Store) Verify(ctx context.Context) error {
	snap, err := s.verifySmall(ctx)
	if snap == nil {
		return err
	}
	defer snap.release()
	faults := append([]error{err}, s.recovery.damage()...)
	for _, p := range snap.parts {
		if err := p.segment.Verify(ctx); err != nil && !errors.Is(err, index.ErrCorrupt) {
			return err
		} else if err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// verifySmall checks manifest and tombstones while no flush replaces them, and
// returns the snapshot of that moment, nil where there is none.
func (s *Store) verifySmall(ctx context.Context) (*snapshot, error) {
	s.flusher.Lock()
	defer s.flusher.Unlock()
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	// Of an index that is only read, the manifest and its tombstones were checked
	// when they were opened, and a writer may have removed them since. Of a damaged one
	// too: opening has said so.
	if s.checkWritable() == nil {
		err = s.folder.Verify()
	}
	return snap, err
}

// sortedIDs returns ids in ascending order, each once.
func sortedIDs(ids []index.ID) []index.ID {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
