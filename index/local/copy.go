package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
	"engram/index"
	"engram/index/internal/disk"
)

var _ index.Snapshotter = (*Store)(nil)

// Snapshot implements index.Snapshotter. Segments are copied as they are, after every byte
// was compared with its checksum, and rows in memory are written as one more. A store for
// reading makes one too, with what was flushed and logged when it was opened. Where
// anything is damaged (index.ErrCorrupt), nothing is copied: Repair comes first. Where another
// snapshot goes into the same folder (index.ErrLocked), that one is left alone. After another
// error the folder is as it was, and gone where it was made.
func (s *Store) Snapshot(ctx context.Context, dir string) error {
	snap, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer snap.release()
	if err := s.checkWhole(ctx, snap); err != nil {
		return err
	}
	fsys, before := s.folder.FS, existing(dir)
	folder, lock, err := disk.Claim(fsys, dir)
	if err != nil {
		removeFolders(fsys, dir, before)
		return err
	}
	c := copying{from: s.folder.Path, folder: folder, manifest: disk.Manifest{
		Dim: s.info.Dim, Space: s.info.Space, Tokens: s.info.Tokens, Labels: *s.labels.Load(), Fields: *s.fields.Load(), Next: 1,
	}}
	err = c.copy(ctx, snap)
	if err != nil {
		_ = folder.Remove(disk.ManifestName) // where it is there, it may not last
		_ = folder.Sweep(disk.Manifest{})
		_ = folder.Remove(disk.LockName)
		removeFolders(fsys, dir, before)
	}
	return errors.Join(err, lock.Close())
}

// existing returns dir where that folder is there, or else the nearest folder around it that is.
func existing(dir string) string {
	for {
		parent := filepath.Dir(dir)
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return dir
		}
		dir = parent
	}
}

// removeFolders removes dir and the empty folders around it, up to the one called before,
// which stays.
func removeFolders(fsys vfs.FS, dir, before string) {
	for ; dir != before; dir = filepath.Dir(dir) {
		if err := fsys.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}

// copying is a snapshot that is being written into a folder.
type copying struct {
	from     string // folder of the index
	folder   disk.Folder
	manifest disk.Manifest
}

// copy writes the index. The folder is empty.
func (c *copying) copy(ctx context.Context, snap *snapshot) error {
	var memory []part
	for _, p := range snap.parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.inMemory() {
			memory = append(memory, p)
		} else if err := c.segment(p); err != nil {
			return fmt.Errorf("copying segment %d of %s: %w", p.segment.file, c.from, err)
		}
	}
	if err := c.rows(ctx, memory); err != nil {
		return err
	}
	if err := c.folder.Sync(); err != nil {
		return err
	}
	if err := c.folder.WriteManifest(c.manifest); err != nil {
		return err
	}
	return c.folder.Sync()
}

// checkWhole refuses a snapshot of what is damaged: the copy would not say what is lost, or
// would have the damage too.
func (s *Store) checkWhole(ctx context.Context, snap *snapshot) error {
	damage := errors.Join(s.recovery.damage()...)
	for _, p := range snap.parts {
		if damage != nil {
			break
		}
		if damage = p.segment.Verify(ctx); damage != nil && !errors.Is(damage, index.ErrCorrupt) {
			return damage
		}
	}
	if damage == nil {
		return nil
	}
	return fmt.Errorf("a snapshot of %s, which is to be repaired first (engram index repair): %w", s.folder.Path, damage)
}

// number returns the number of the next file.
func (c *copying) number() uint64 {
	c.manifest.Next++
	return c.manifest.Next - 1
}

// segment copies a segment from disk, with its tombstones.
func (c *copying) segment(p part) error {
	if p.live == 0 {
		return nil
	}
	total := len(p.segment.IDs)
	r := disk.SegmentRecord{File: c.number(), Rows: total}
	if p.segment.Graph() != nil {
		r.Graph = c.number()
	}
	if len(p.segment.Fields()) > 0 {
		r.Fields = c.number()
	}
	if err := p.segment.CopyTo(c.folder, r); err != nil {
		return err
	}
	if p.live < total {
		r.Dead = c.number()
		if err := c.folder.Write(disk.TombstonesName(r.Dead), func(w io.Writer) error {
			return disk.WriteTombstones(w, p.dead, total)
		}); err != nil {
			return err
		}
	}
	c.manifest.Segments = append(c.manifest.Segments, r)
	return nil
}

// rows writes rows in memory as a segment, with indexes of its fields.
func (c *copying) rows(ctx context.Context, memory []part) error {
	refs := slices.Collect(rows(memory))
	if len(refs) == 0 {
		return nil
	}
	r := disk.SegmentRecord{File: c.number(), Rows: len(refs)}
	err := c.folder.Write(disk.SegmentName(r.File), func(w io.Writer) error { return disk.WriteSegment(w, refs) })
	if err == nil && c.manifest.Tokens.Kept() {
		err = c.folder.Write(disk.TokensName(r.File), func(w io.Writer) error { return disk.WriteTokens(w, refs) })
	}
	if err == nil && len(c.manifest.Fields) > 0 {
		r.Fields = c.number()
		var encoded []disk.EncodedIndex
		if encoded, err = disk.EncodeIndexes(c.manifest.Fields, refs, ctx.Err); err == nil {
			err = c.folder.Write(disk.FieldsName(r.Fields), func(w io.Writer) error { return disk.WriteIndexes(w, len(refs), encoded) })
		}
	}
	c.manifest.Segments = append(c.manifest.Segments, r)
	return err
}
