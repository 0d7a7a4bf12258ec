package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"engram/index"
	"engram/index/internal/column"
)

// Salvage is what is left of a damaged segment.
type Salvage struct {
	// Segment has the rows. It may be used for copying rows that are not in Dead, and for
	// nothing else. The ids of other rows ascend and mean nothing.
	*Segment
	Dead  column.Bits // rows that were deleted, rows that are lost, and rows in Coded
	Coded *Segment    // rows in memory whose codes were damaged and were made anew; nil: none
	// Lost is how many rows are lost that were not deleted. LostIDs are the ids of those
	// whose id can be read.
	Lost    int
	LostIDs []index.ID
	// WithoutDead is set where the tombstones are damaged: rows that were deleted count as
	// rows that were not.
	WithoutDead bool
}

// Salvage reads what is left of the segment that r names, block by block. An error that is
// index.ErrCorrupt says that it has lost all rows.
func (f *Files) Salvage(ctx context.Context, r SegmentRecord) (*Salvage, error) {
	s, err := f.mapDamaged(r)
	if err != nil {
		return nil, missing(err)
	}
	left := &Salvage{Segment: s, Dead: column.Bits(nil).Clone(r.Rows)}
	if r.Dead != 0 {
		dead, err := ReadTombstones(filepath.Join(f.Folder.Path, TombstonesName(r.Dead)), r.Rows)
		if left.WithoutDead = err != nil; err == nil {
			left.Dead = dead
		}
	}
	if err := left.sort(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return left, nil
}

// mapDamaged maps the files of a segment whose headers and sizes are right.
func (f *Files) mapDamaged(r SegmentRecord) (_ *Segment, err error) {
	path := filepath.Join(f.Folder.Path, SegmentName(r.File))
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Segment{blocks: blocks{file: file}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("segment %s: %w", path, err), s.Close())
		}
	}()
	if err := s.openMap(); err != nil {
		return nil, err
	}
	if s.Dim != f.Manifest.Dim || len(s.IDs) != r.Rows {
		return nil, fmt.Errorf("it has %d rows of dimension %d, the manifest says %d of %d: %w", len(s.IDs), s.Dim, r.Rows, f.Manifest.Dim, index.ErrCorrupt)
	}
	if !f.Manifest.Tokens.Kept() {
		return s, nil
	}
	tokens, err := os.Open(filepath.Join(f.Folder.Path, TokensName(r.File)))
	if err != nil {
		return nil, err
	}
	s.tokens = tokenRows{blocks: blocks{file: tokens}, size: f.Manifest.Tokens.Size()}
	return s, s.mapTokens()
}

// sort tells lost rows from sound ones, and rows that only need a new code.
func (s *Salvage) sort(ctx context.Context) error {
	bad, err := s.badBlocks(ctx)
	if err != nil {
		return err
	}
	badTokens, err := s.tokens.badBlocks(ctx)
	if err != nil {
		return err
	}
	var recode []int
	known, last := make([]bool, len(s.IDs)), index.ID(0)
	for i, id := range s.IDs {
		row := salvagedRow{s.Segment, i, bad, badTokens}
		known[i] = row.sound(secIDs) && (i == 0 || id > last)
		if known[i] {
			last = id
		}
		switch {
		case s.Dead.Has(i):
		case !known[i] || !row.kept():
			s.Dead.Set(i)
			s.Lost++
			if known[i] {
				s.LostIDs = append(s.LostIDs, id)
			}
		case !row.sound(secCodes) || !row.sound(secScales) || !row.sound(secResiduals):
			s.Dead.Set(i)
			recode = append(recode, i)
		}
	}
	s.fillIDs(known)
	return s.code(recode)
}

// fillIDs gives the rows whose id is not known the id before, so that ids ascend and a
// search for one finds its first row.
func (s *Salvage) fillIDs(known []bool) {
	if !slices.Contains(known, false) {
		return
	}
	ids := slices.Clone(s.IDs)
	last := index.ID(0)
	for i := range ids {
		if known[i] {
			last = ids[i]
		}
		ids[i] = last
	}
	s.IDs = ids
}

// code makes new codes of rows.
func (s *Salvage) code(rows []int) error {
	if len(rows) == 0 {
		return nil
	}
	b := NewBuilder(s.Dim, len(rows), s.tokens.size)
	for _, i := range rows {
		if err := b.Copy(Ref{s.Segment, i}); err != nil {
			return err
		}
		b.segment.Quantise(len(b.segment.IDs) - 1)
	}
	s.Coded = b.Segment()
	return nil
}

// Close closes the files.
func (s *Salvage) Close() error { return s.Segment.Close() }

// salvagedRow is one row of a segment with damaged blocks.
type salvagedRow struct {
	*Segment
	row            int
	bad, badTokens column.Bits
}

// sound reports whether the row's part of a section of fixed size is not damaged.
func (r salvagedRow) sound(section int) bool {
	size := r.layout.size[section] / int64(len(r.IDs))
	return spared(r.bad, r.layout.start[section]+int64(r.row)*size, size)
}

// kept reports whether vector, payload and tokens are not damaged.
func (r salvagedRow) kept() bool {
	before := r
	before.row = max(0, r.row-1)
	if !r.sound(secVectors) || !r.sound(secEnds) || !before.sound(secEnds) {
		return false
	}
	b, err := r.payload(r.row)
	if err != nil || !spared(r.bad, r.layout.start[secPayloads]+int64(r.ends[r.row])-int64(len(b)), int64(len(b))) {
		return false
	}
	if _, err := DecodePayload(b); err != nil {
		return false
	}
	size := int64(r.tokens.size)
	return spared(r.badTokens, BlockSize+int64(r.row)*size, size)
}

// spared reports whether none of the blocks that hold size bytes from start is bad.
func spared(bad column.Bits, start, size int64) bool {
	for block := start / BlockSize; block*BlockSize < start+size; block++ {
		if bad.Has(int(block)) {
			return false
		}
	}
	return true
}

// badBlocks returns the blocks that cannot be read or do not match their checksums.
func (b *blocks) badBlocks(ctx context.Context) (column.Bits, error) {
	bad := column.Bits(nil).Clone(int(b.count))
	buf := make([]byte, BlockSize)
	for block := range b.count {
		if block%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if _, err := b.file.ReadAt(buf, block*BlockSize); err != nil || checksum(buf) != b.sum(block) {
			bad.Set(int(block))
		}
	}
	return bad, nil
}
