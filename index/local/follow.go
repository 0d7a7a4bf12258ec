package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/internal/wal"
)

// followEvery is how often a follower looks for what was written. It rests five times as
// long as it took to read it.
const followEvery = time.Second

// calmLooks is how many looks in a row find nothing new before rows in memory are put into
// a graph.
const calmLooks = 5

// Follow is OpenReadOnly for a process that keeps the index open: what another process
// flushes or logs is seen about a second later. Where that cannot be read, or has another
// dimension, space or tokens, the store stays as it is and failed, if it is not nil, is told
// why, once for each reason.
func Follow(dir string, failed func(error)) (*Store, error) {
	seen := stateOf(dir)
	s, err := OpenReadOnly(dir)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	s.endFollow = end
	s.snapshots.Go(func() { s.follow(ctx, seen, failed) }) // Close waits
	return s, nil
}

// follow reads what has changed since seen, again and again.
func (s *Store) follow(ctx context.Context, seen string, failed func(error)) {
	rest, told, calm := followEvery, "", 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
		now := stateOf(s.folder.Path)
		if now == seen {
			calm++
			s.changing.Store(calm < calmLooks)
			continue
		}
		calm = 0
		began := time.Now()
		if err := s.refresh(); err == nil {
			seen, told = now, ""
		} else if reason := err.Error(); reason != told && failed != nil {
			told = reason
			failed(err)
		}
		rest = max(followEvery, 5*time.Since(began))
	}
}

// stateOf is text that is another one once the index in a folder was written to.
func stateOf(dir string) string {
	names, err := wal.Names(dir, 1)
	var state strings.Builder
	fmt.Fprint(&state, err)
	for _, name := range append(names, disk.ManifestName) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Fprint(&state, " ", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return state.String()
}

// refresh takes over what the folder holds now. Segments that are open already stay so,
// with the field indexes that were made of them.
func (s *Store) refresh() error {
	fresh, err := OpenReadOnly(s.folder.Path)
	if err != nil {
		return err
	}
	defer func() { _ = fresh.Close() }() // nothing was written
	if damage := fresh.recovery.damage(); len(damage) > 0 {
		return damage[0]
	}
	if fresh.info != s.info {
		return fmt.Errorf("%s is another index than the one that is open, of %d elements in the space %v: %w",
			s.folder.Path, fresh.info.Dim, fresh.info.Space, index.ErrNotFound)
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	s.writer.Lock()
	defer s.writer.Unlock()
	now := s.current.Load()
	if now == nil || s.closing {
		return nil
	}
	s.changing.Store(true)
	if s.endGrowth != nil {
		s.endGrowth()
	}
	open := map[[3]uint64]*segment{}
	for _, p := range now.parts {
		open[p.segment.files()] = p.segment
		// A goroutine may be putting these rows into a graph. It gives that up where they are
		// frozen: the rows that were read take their place.
		p.segment.frozen = p.inMemory()
	}
	parts := slices.Clone(fresh.current.Load().parts)
	for i := range parts {
		read := parts[i].segment
		// An index that was made again in the folder has files of the same numbers.
		if old := open[read.files()]; old != nil && !parts[i].inMemory() && old.Same(read.Segment) {
			parts[i].segment = old
		}
	}
	s.labels.Store(fresh.labels.Load())
	s.fields.Store(fresh.fields.Load())
	s.publish(parts)
	return nil
}

// files are the numbers of the files of a segment.
func (s *segment) files() [3]uint64 { return [3]uint64{s.file, s.graph, s.fields} }
