package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"engram/data/space"
	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

// Options describe a new index.
type Options struct {
	// Dim is the number of elements of a vector, 1 to 65,536.
	Dim int
	// Space of the vectors (see index.Info).
	Space space.Space
}

// Store is an index in a folder. It implements index.Store.
type Store struct {
	folder disk.Folder
	lock   vfs.File
	info   index.Info // all but Count
	// memoryLimit is the size in bytes of the rows in memory from which the
	// next Upsert flushes first. The writer lock guards it.
	memoryLimit int

	current   atomic.Pointer[snapshot] // nil once closed
	snapshots sync.WaitGroup           // the snapshots in use

	flusher sync.Mutex    // held while a flush is under way, and taken before writer
	next    uint64        // number of the next file; numbers are never used twice
	failed  bool          // the last flush failed
	written disk.Manifest // the last one; its labels may be out of date
	// labels are never changed, only replaced, by who holds flusher.
	labels atomic.Pointer[map[string]string]

	events atomic.Pointer[func(Event)] // see Watch

	writer     sync.Mutex // guards what follows, and the right to set current
	dirty      bool       // current has what the manifest has not, nor a flush under way
	closing    bool       // nothing can be written any more
	cause      error      // of a flush in the background that failed (see failure)
	background index.Background
}

var _ index.Store = (*Store)(nil)

// defaultMemoryLimit is 64 MiB: 21,000 rows of 768 elements, which a float32
// scan passes over in a few milliseconds.
const defaultMemoryLimit = 64 << 20

const lockName = "lock"

// Create makes an empty index in the folder dir, which is made where it is
// missing, and opens it. fs.ErrExist says that the folder has an index or any
// other file in it.
func Create(dir string, opts Options) (*Store, error) { return CreateFS(vfs.OS{}, dir, opts) }

// CreateFS is Create on a file system.
func CreateFS(fsys vfs.FS, dir string, opts Options) (*Store, error) {
	if opts.Dim < 1 || opts.Dim > disk.MaxDim {
		return nil, fmt.Errorf("an index of dimension %d, wanted 1 to %d: %w", opts.Dim, disk.MaxDim, index.ErrDimension)
	}
	if err := vfs.MkdirAllFS(fsys, dir, 0o777); err != nil {
		return nil, err
	}
	// The folder is looked at before the lock file goes into it, and again
	// under the lock, when no other process can be creating an index there.
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	folder := disk.Folder{Path: dir, FS: fsys}
	lock, err := folder.Lock(lockName)
	if err != nil {
		return nil, err
	}
	manifest := disk.Manifest{Dim: opts.Dim, Space: opts.Space, Next: 1}
	err = checkEmpty(dir)
	if err == nil {
		err = writeManifest(folder, manifest)
	}
	if err == nil {
		err = folder.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return newStore(folder, lock, manifest, nil), nil
}

// checkEmpty refuses a folder with files in it. Files that an interrupted Create
// leaves are no obstacle; segments without a manifest are somebody's data.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == disk.ManifestName:
			return fmt.Errorf("%s already has an index: %w", dir, fs.ErrExist)
		case name != lockName && name != disk.ManifestName+".tmp":
			return fmt.Errorf("%s is not empty and has no index: it holds %s: %w", dir, name, fs.ErrExist)
		}
	}
	return nil
}

// Open opens the index in the folder dir: index.ErrNotFound where there is
// none, index.ErrLocked where a process has it open, index.ErrCorrupt where a
// file is damaged (see Verify for what is checked when).
func Open(dir string) (*Store, error) { return OpenFS(vfs.OS{}, dir) }

// OpenFS is Open on a file system.
func OpenFS(fsys vfs.FS, dir string) (*Store, error) {
	if _, err := disk.ReadManifest(dir); err != nil {
		return nil, err
	}
	folder := disk.Folder{Path: dir, FS: fsys}
	lock, err := folder.Lock(lockName)
	if err != nil {
		return nil, err
	}
	// Read again: it may have changed before the lock was taken.
	manifest, err := disk.ReadManifest(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := readOldOrigin(dir, &manifest); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	parts, err := openParts(dir, manifest)
	// The process that wrote the manifest may have ended before it synced the
	// folder. Until the manifest's name is durable, the files of the one before it
	// must stay, and Flush must not say that all is durable.
	if err == nil {
		err = folder.Sync()
	}
	if err == nil {
		err = sweep(folder, manifest)
	}
	if err != nil {
		closeParts(parts)
		return nil, errors.Join(err, lock.Close())
	}
	return newStore(folder, lock, manifest, parts), nil
}

func newStore(folder disk.Folder, lock vfs.File, m disk.Manifest, parts []part) *Store {
	s := &Store{
		folder: folder, lock: lock, memoryLimit: defaultMemoryLimit, next: m.Next,
		info: index.Info{Engine: "local", Dim: m.Dim, Space: m.Space}, written: m,
	}
	s.labels.Store(&m.Labels)
	s.publish(parts)
	return s
}

// openParts opens the segments of a manifest. After an error it returns those
// that are open.
func openParts(dir string, m disk.Manifest) (parts []part, err error) {
	for _, r := range m.Segments {
		opened, err := disk.OpenSegment(filepath.Join(dir, disk.SegmentName(r.File)))
		if err != nil {
			return parts, missing(err)
		}
		p := part{segment: &segment{Segment: opened, file: r.File}, live: r.Rows, tombstones: r.Dead}
		if opened.Dim != m.Dim || len(opened.IDs) != r.Rows {
			err = fmt.Errorf("segment %d has %d rows of dimension %d, the manifest says %d of %d: %w",
				r.File, len(opened.IDs), opened.Dim, r.Rows, m.Dim, index.ErrCorrupt)
		} else if r.Dead != 0 {
			p.dead, err = disk.ReadTombstones(filepath.Join(dir, disk.TombstonesName(r.Dead)), r.Rows)
			p.live -= p.dead.Count()
		}
		parts = append(parts, p)
		if err != nil {
			return parts, missing(err)
		}
	}
	return parts, nil
}

// missing marks the error of a file that the manifest names and that is not
// there as damage.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", index.ErrCorrupt, err)
	}
	return err
}

func closeParts(parts []part) {
	for _, p := range parts {
		p.segment.Close()
	}
}

// leftover matches the names of files that are swept when no manifest names
// them, and of no others.
var leftover = regexp.MustCompile(`^(manifest\.tmp|[0-9a-f]{16}\.(seg|dead)(\.tmp)?)$`)

// sweep removes what a process that ended early has left: files that were
// written for a manifest that never came, or replaced by one.
func sweep(folder disk.Folder, m disk.Manifest) error {
	entries, err := os.ReadDir(folder.Path)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, r := range m.Segments {
		used[disk.SegmentName(r.File)] = true
		used[disk.TombstonesName(r.Dead)] = true
	}
	for _, e := range entries {
		if name := e.Name(); leftover.MatchString(name) && !used[name] {
			if err := folder.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Info implements index.Store.
func (s *Store) Info(ctx context.Context) (index.Info, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return index.Info{}, err
	}
	defer snap.release()
	info := s.info
	info.Count, info.Background = snap.count, s.counts()
	return info, nil
}

// Close implements index.Store. It waits for searches and iterations that are
// under way, so it must not be called from within one. Where the flush fails
// the store is closed all the same, and what was not flushed is lost.
func (s *Store) Close() error {
	s.flusher.Lock()
	if s.current.Load() == nil {
		s.flusher.Unlock()
		return nil
	}
	s.writer.Lock()
	s.closing = true
	s.writer.Unlock()
	err := s.flush(context.Background())
	s.current.Swap(nil).release()
	s.flusher.Unlock()
	s.snapshots.Wait()
	return errors.Join(err, s.lock.Close())
}

// Verify reads every file of the index and compares each byte with its
// checksum; index.ErrCorrupt marks the first damage found.
//
// Opening checks less: the manifest, tombstones, and of a segment everything
// but codes, vectors and payloads. Get, All and searches with payloads check
// the blocks of 4 KiB that they hand out; a scan and its filter check nothing.
func (s *Store) Verify(ctx context.Context) error {
	snap, err := s.verifySmall(ctx)
	if err != nil {
		return err
	}
	defer snap.release()
	for _, p := range snap.parts {
		if err := p.segment.Verify(ctx); err != nil {
			return err
		}
	}
	return nil
}

// verifySmall checks manifest and tombstones while no flush replaces them, and
// returns the snapshot of that moment.
func (s *Store) verifySmall(ctx context.Context) (*snapshot, error) {
	s.flusher.Lock()
	defer s.flusher.Unlock()
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	m, err := disk.ReadManifest(s.folder.Path)
	for _, r := range m.Segments {
		if r.Dead != 0 && err == nil {
			_, err = disk.ReadTombstones(filepath.Join(s.folder.Path, disk.TombstonesName(r.Dead)), r.Rows)
		}
	}
	if err != nil {
		snap.release()
		return nil, err
	}
	return snap, nil
}

// sortedIDs returns ids in ascending order, each once.
func sortedIDs(ids []index.ID) []index.ID {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
