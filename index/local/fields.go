package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"engram/index"
	"engram/index/internal/bitmap"
	"engram/index/internal/disk"
)

var _ index.PayloadIndexer = (*Store)(nil)

// fieldsOf returns the fields of keys in ascending order.
func fieldsOf(keys map[string]index.PayloadKind) ([]bitmap.Field, error) {
	var fields []bitmap.Field
	for key, kind := range keys {
		if key == "" || !kind.Known() {
			return nil, fmt.Errorf("an index of the payload key %q of kind %q, wanted a key and one of %q: %w", key, kind, index.PayloadKinds(), index.ErrPayload)
		}
		f := bitmap.Field{Key: key, Kind: bitmap.Values}
		if kind == index.Words {
			f.Kind = bitmap.Words
		}
		fields = append(fields, f)
	}
	return sortedFields(fields), nil
}

func sortedFields(fields []bitmap.Field) []bitmap.Field {
	slices.SortFunc(fields, bitmap.Compare)
	return slices.Compact(fields)
}

// IndexPayload implements index.PayloadIndexer: of all rows on disk at once, and of
// each later segment. A key can have an index of words and one of values.
func (s *Store) IndexPayload(ctx context.Context, keys map[string]index.PayloadKind) error {
	fields, err := fieldsOf(keys)
	if err != nil {
		return err
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	if err := s.checkOpen(ctx); err != nil {
		return err
	}
	if err := s.checkWritable(); err != nil {
		return err
	}
	s.addFields(fields)
	s.setDirty() // segments may lack indexes of fields that the store has
	return s.flush(ctx)
}

var _ index.PayloadIndexed = (*Store)(nil)

// PayloadIndexes implements index.PayloadIndexed.
func (s *Store) PayloadIndexes(ctx context.Context) ([]index.PayloadIndex, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	var all []index.PayloadIndex
	for _, f := range *s.fields.Load() {
		x := index.PayloadIndex{Key: f.Key, Kind: string(f.Kind)}
		for _, p := range snap.parts {
			if !p.inMemory() && p.segment.index(f) != nil {
				x.Items += p.live
				x.Bytes += p.segment.IndexSize(f)
			}
		}
		all = append(all, x)
	}
	return all, nil
}

func (s *Store) setDirty() {
	s.writer.Lock()
	defer s.writer.Unlock()
	s.dirty = true
}

// addFields has the next flush make indexes of fields. The caller holds the flusher
// lock.
func (s *Store) addFields(fields []bitmap.Field) {
	all := sortedFields(slices.Concat(*s.fields.Load(), fields))
	if slices.Equal(all, *s.fields.Load()) {
		return
	}
	s.fields.Store(&all)
	s.setDirty()
}

// index returns the index of a field of the segment, nil where there is none.
func (s *segment) index(f bitmap.Field) *bitmap.Index {
	if x := s.Index(f); x != nil {
		return x
	}
	if made := s.made.Load(); made != nil {
		return (*made)[f]
	}
	return nil
}

// missing returns the fields that the segment has no index of.
func (s *segment) missing(fields []bitmap.Field) []bitmap.Field {
	var missing []bitmap.Field
	for _, f := range fields {
		if s.index(f) == nil {
			missing = append(missing, f)
		}
	}
	return missing
}

// encode makes indexes of fields. goOn is asked now and then; its error ends the work.
func (s *segment) encode(fields []bitmap.Field, goOn func() error) ([]disk.EncodedIndex, error) {
	rows := make([]disk.Ref, len(s.IDs))
	for i := range rows {
		rows[i] = disk.Ref{Segment: s.Segment, Row: i}
	}
	return disk.EncodeIndexes(fields, rows, goOn)
}

// keep takes indexes that the segment lacks into memory, for as long as it is open.
func (s *segment) keep(encoded []disk.EncodedIndex) error {
	made := map[bitmap.Field]*bitmap.Index{}
	for _, e := range encoded {
		if s.index(e.Field) != nil {
			continue
		}
		x, err := bitmap.Parse(e.Field, len(s.IDs), e.Bytes)
		if err != nil {
			return err
		}
		made[e.Field] = x
	}
	for {
		old := s.made.Load()
		all := maps.Clone(made)
		if old != nil {
			maps.Copy(all, *old)
		}
		if s.made.CompareAndSwap(old, &all) {
			return nil
		}
	}
}

// writeIndexes writes the indexes of the store's fields: of the new segment, and of
// segments that stay and lack some. A damaged segment goes without, as it is not
// merged.
func (f *flushing) writeIndexes(ctx context.Context) error {
	fields := *f.store.fields.Load()
	if f.indexed = map[*segment]uint64{}; len(fields) == 0 {
		return nil
	}
	if f.opened != nil {
		if err := f.writeIndexesOf(ctx, f.opened, fields); err != nil {
			return err
		}
		if err := f.opened.OpenIndexes(filepath.Join(f.store.folder.Path, disk.FieldsName(f.indexed[f.opened]))); err != nil {
			return err
		}
	}
	for _, p := range f.kept {
		if slices.Equal(p.segment.stored, fields) && p.segment.sound() {
			continue
		}
		if err := f.writeIndexesOf(ctx, p.segment, fields); err != nil && !errors.Is(err, index.ErrCorrupt) {
			return err
		}
	}
	return nil
}

// sound reports whether the segment's file has the indexes that it lists.
func (s *segment) sound() bool {
	return s.fresh || !slices.ContainsFunc(s.stored, func(f bitmap.Field) bool { return s.Index(f) == nil })
}

func (f *flushing) writeIndexesOf(ctx context.Context, s *segment, fields []bitmap.Field) error {
	encoded, err := s.encode(fields, ctx.Err)
	if err != nil {
		return err
	}
	if s != f.opened { // the file that it has open is another
		if err := s.keep(encoded); err != nil {
			return err
		}
	}
	number := f.number()
	f.indexed[s] = number
	return f.create(disk.FieldsName(number), func(w io.Writer) error { return disk.WriteIndexes(w, len(s.IDs), encoded) })
}

// indexes returns the number of the file with a segment's field indexes, 0 where it
// has none.
func (f *flushing) indexes(s *segment) uint64 { return cmp.Or(f.indexed[s], s.fields) }

// demand counts how often filters had to read payloads for want of an index.
type demand struct {
	sync.Mutex
	rows    map[bitmap.Field]int64 // payloads that were read
	making  bool
	learned int
	done    sync.WaitGroup // the work under way
}

// maxLearned bounds the fields that get an index by use.
const maxLearned = 16

// note counts the payloads that a filter had read, asked of them, in a snapshot, and
// begins to make indexes of its fields once it has read as many as making them
// reads: so filters never cost more than twice what the best choice in hindsight
// does. A store that can be written to keeps them with its next flush.
func (s *Store) note(snap *snapshot, f index.Filter, asked int64) {
	if asked == 0 {
		return
	}
	rows, missing := int64(0), []bitmap.Field(nil)
	fields := bitmap.Fields(f)
	for _, p := range snap.parts {
		if !p.inMemory() {
			rows += int64(len(p.segment.IDs))
			missing = append(missing, p.segment.missing(fields)...)
		}
	}
	d := &s.demand
	d.Lock()
	defer d.Unlock()
	var due []bitmap.Field
	for _, field := range sortedFields(missing) {
		if d.rows[field] += asked; d.rows[field] >= rows && d.learned < maxLearned {
			due = append(due, field)
		}
	}
	if len(due) == 0 || d.making || !snap.retain() {
		return
	}
	d.making = true
	d.learned += len(due)
	for _, field := range due {
		delete(d.rows, field)
	}
	d.done.Go(func() {
		defer snap.release()
		s.learn(snap, due)
	})
}

// learn makes indexes of fields in memory. A segment that cannot be read goes without.
func (s *Store) learn(snap *snapshot, fields []bitmap.Field) {
	goOn := func() error {
		if s.current.Load() == nil {
			return index.ErrClosed
		}
		return nil
	}
	for _, p := range snap.parts {
		if missing := p.segment.missing(fields); !p.inMemory() && len(missing) > 0 {
			if encoded, err := p.segment.encode(missing, goOn); err == nil {
				_ = p.segment.keep(encoded) // it was just encoded
			}
		}
	}
	if s.checkWritable() == nil {
		s.flusher.Lock()
		s.addFields(fields)
		s.flusher.Unlock()
	}
	s.demand.Lock()
	s.demand.making = false
	s.demand.Unlock()
}
