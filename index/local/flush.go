package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"engram/index/flat"
	"engram/index/internal/disk"
)

// flush makes the current snapshot what the folder holds: it writes the rows
// in memory, together with those of segments that it is time to merge, as one
// segment, then changed tombstones, then the manifest that names them. The
// caller holds the writer lock. After an error the folder holds what it held
// before, the store loses nothing, and the next flush tries again.
func (s *Store) flush(ctx context.Context) error {
	if !s.dirty {
		return nil
	}
	kept, merged, err := plan(ctx, s.current.Load().parts)
	if err != nil {
		return err
	}
	f := flushing{store: s, parts: kept}
	err = f.writeSegment(merged)
	if err == nil {
		err = f.writeTombstones()
	}
	if err == nil {
		err = s.folder.Sync()
	}
	manifest := f.manifest()
	if err == nil {
		err = writeManifest(s.folder, manifest)
	}
	if err != nil {
		return errors.Join(err, f.undo())
	}
	s.publish(f.parts)
	// The manifest has its new name. Until that is durable the old files stay
	// as well, for a crash may bring back either manifest.
	if err := s.folder.Sync(); err != nil {
		return err
	}
	s.dirty = false
	// What cannot be removed now is removed when the index is opened.
	_ = sweep(s.folder.Path, manifest)
	return nil
}

// flushing is one flush under way.
type flushing struct {
	store   *Store
	parts   []part // of the next snapshot
	created []string
	opened  *segment // the new segment, if there is one
}

// create writes the file called name.
func (f *flushing) create(name string, write func(io.Writer) error) error {
	if err := f.store.folder.Write(name, write); err != nil {
		return err
	}
	f.created = append(f.created, name)
	return nil
}

// number returns the number of the next file.
func (f *flushing) number() uint64 {
	f.store.next++
	return f.store.next - 1
}

// writeSegment writes the live rows of merged as one segment and opens it.
func (f *flushing) writeSegment(merged []part) error {
	refs := slices.Collect(rows(merged))
	if len(refs) == 0 {
		return nil
	}
	number := f.number()
	name := disk.SegmentName(number)
	if err := f.create(name, func(w io.Writer) error { return disk.WriteSegment(w, refs) }); err != nil {
		return err
	}
	opened, err := disk.OpenSegment(filepath.Join(f.store.folder.Path, name))
	if err != nil {
		return err
	}
	f.opened = &segment{Segment: opened, file: number}
	f.parts = append(f.parts, part{segment: f.opened, live: len(refs)})
	return nil
}

// writeTombstones writes those that have changed.
func (f *flushing) writeTombstones() error {
	for i := range f.parts {
		p := &f.parts[i]
		total := len(p.segment.IDs)
		if p.tombstones != 0 || p.live == total {
			continue
		}
		number := f.number()
		err := f.create(disk.TombstonesName(number), func(w io.Writer) error {
			return disk.WriteTombstones(w, p.dead, total)
		})
		if err != nil {
			return err
		}
		p.tombstones = number
	}
	return nil
}

func (f *flushing) manifest() disk.Manifest {
	info := f.store.info
	m := disk.Manifest{Dim: info.Dim, Bundle: info.Bundle, BundleName: info.BundleName, Next: f.store.next}
	for _, p := range f.parts {
		m.Segments = append(m.Segments, disk.SegmentRecord{
			File: p.segment.file, Rows: len(p.segment.IDs), Dead: p.tombstones,
		})
	}
	return m
}

// undo removes what the flush has written.
func (f *flushing) undo() error {
	var errs []error
	if f.opened != nil {
		errs = append(errs, f.opened.Close())
	}
	for _, name := range f.created {
		errs = append(errs, os.Remove(filepath.Join(f.store.folder.Path, name)))
	}
	return errors.Join(errs...)
}

func writeManifest(folder disk.Folder, m disk.Manifest) error {
	return folder.Write(disk.ManifestName, func(w io.Writer) error { return disk.WriteManifest(w, m) })
}

const (
	// fanIn is how many segments that are no larger than twice the new one are
	// merged with it: so a row is rewritten about once each time that the
	// index grows eightfold, and segments stay few.
	fanIn = 7
	// maxMerge bounds the bytes that one flush rewrites. Segments that would
	// exceed it are left as they are.
	maxMerge = 1 << 30
	// fullSegment is the size in bytes from which a segment is not merged for
	// being one of many: few enough of that size hold what one machine can
	// search, and a large index is not rewritten over and over as it grows.
	fullSegment = 192 << 20
)

// plan says which parts a flush keeps as they are and which it writes anew:
// those in memory, those mostly dead, and those of like size once there are
// many. A part with no live row is in neither list. A segment that is damaged
// is kept, so that its rows do not get fresh checksums.
func plan(ctx context.Context, parts []part) (kept, merged []part, err error) {
	rows, budget := 0, maxMerge
	for _, p := range parts {
		switch {
		case p.live == 0:
		case p.inMemory():
			merged = append(merged, p)
			rows += p.live
		default:
			kept = append(kept, p)
		}
	}
	// move merges the parts that due names, within the budget.
	move := func(due func(part) bool) {
		kept = slices.DeleteFunc(kept, func(p part) bool {
			size := p.live * rowBytes(p.segment.Dim)
			if err != nil || size > budget || !due(p) {
				return false
			}
			if p.segment.Verify(ctx) != nil {
				err = ctx.Err()
				return false
			}
			merged = append(merged, p)
			rows += p.live
			budget -= size
			return true
		})
	}
	move(func(p part) bool { return 2*p.live < len(p.segment.IDs) })
	for before := -1; before != len(merged); {
		before = len(merged)
		limit := 2 * rows
		small := func(p part) bool { return p.live <= limit && p.live*rowBytes(p.segment.Dim) < fullSegment }
		if countFunc(kept, small) >= fanIn {
			move(small)
		}
	}
	return kept, merged, err
}

// rowBytes is the size of a row on disk without its payload.
func rowBytes(dim int) int { return 4*flat.VectorStride(dim) + flat.CodeStride(dim) + 24 }

func countFunc[T any](list []T, f func(T) bool) int {
	n := 0
	for _, x := range list {
		if f(x) {
			n++
		}
	}
	return n
}
