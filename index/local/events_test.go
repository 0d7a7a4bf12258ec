package local

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs"
	"engram/index"
)

// One error of a flush in the background reaches whoever watches, the counts and
// the next write, and costs no item.
func TestAFlushInTheBackgroundThatFailsIsTold(t *testing.T) {
	for name, write := range map[string]func(s *Store) error{
		"upsert": func(s *Store) error {
			return s.Upsert(t.Context(), []index.Item{{ID: 3, Vector: []float32{1, 0, 0, 0}}})
		},
		"delete": func(s *Store) error {
			_, err := s.Delete(t.Context(), []index.ID{1})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustCreate(t, dir, 4)
			var steps []Step
			var told error
			s.Watch(func(e Event) {
				steps = append(steps, e.Step)
				told = e.Err
				if e.Bytes == 0 || (e.Step == Begun) != (e.Took == 0) {
					t.Errorf("event %+v, want how much was written and how long it took", e)
				}
			})
			s.memoryLimit = 0
			var failures atomic.Int32
			s.folder.FS = onCreate(func(path string) error {
				if strings.HasSuffix(path, ".seg.tmp") && failures.Add(1) == 1 {
					return syscall.ENOSPC
				}
				return nil
			})
			put(t, s, 1, 1)
			put(t, s, 1, 2) // begins a flush, which fails
			join(s)
			s.writer.Lock()                    // the flush that has ended still looks whether another one is due
			s.memoryLimit = defaultMemoryLimit // the next write has no reason to flush
			s.writer.Unlock()
			want := versions(t, s)
			if err := write(s); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("the next write: error %v, want ENOSPC", err)
			}
			if diff := cmp.Diff(want, versions(t, s)); diff != "" {
				t.Errorf("it has changed the store (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]Step{Begun, Failed}, steps); diff != "" || !errors.Is(told, syscall.ENOSPC) {
				t.Errorf("told %v (-want +got):\n%s", told, diff)
			}
			info, err := s.Info(t.Context())
			if counts := (index.Background{Begun: 1, Failed: 1}); info.Background != counts || err != nil {
				t.Errorf("counts %+v, error %v; want %+v", info.Background, err, counts)
			}
			if err := write(s); err != nil { // it is told once
				t.Errorf("the write after that: %v", err)
			}
			mustClose(t, s)
			mustClose(t, mustOpen(t, dir))
		})
	}
}

// A Flush that succeeds has written what the one in the background could not.
func TestAFlushMendsOneThatFailedInTheBackground(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	s.memoryLimit = 0
	put(t, s, 1, 1)
	s.folder.FS = &diskWith{}
	put(t, s, 1, 2)
	join(s)
	s.folder.FS = vfs.OS{}
	mustFlush(t, s)
	put(t, s, 1, 3)
	join(s)
	if diff := cmp.Diff(map[index.ID]int64{1: 1, 2: 1}, onDisk(t, s)); diff != "" {
		t.Errorf("on disk (-want +got):\n%s", diff)
	}
	info, err := s.Info(t.Context())
	if want := (index.Background{Begun: 1, Failed: 1}); info.Background != want || err != nil {
		t.Errorf("counts %+v, error %v; want %+v", info.Background, err, want)
	}
}
