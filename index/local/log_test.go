package local

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
	"engram/index"
)

// mustLog has the store's writes logged.
func mustLog(t *testing.T, s *Store, d Durability) {
	t.Helper()
	if err := s.SetDurability(d); err != nil {
		t.Fatal(err)
	}
}

// version returns items of a version with these ids.
func version(v int64, ids ...index.ID) []index.Item {
	items := make([]index.Item, len(ids))
	for i, id := range ids {
		items[i] = index.Item{ID: id, Vector: []float32{1, float32(id), 0, 0}, Payload: index.Payload{"version": v}}
	}
	return items
}

// What was written and not flushed is there when the index is opened again, for reading
// and for writing, without the writer having closed it.
func TestTheLogIsReplayed(t *testing.T) {
	for _, d := range []Durability{Logged, Grouped, Synced} {
		s := mustCreateStamped(t, t.TempDir(), 4)
		mustLog(t, s, d)
		put(t, s, 1, 1, 2, 3, 4)
		mustFlush(t, s)
		put(t, s, 2, 3, 5, 6)
		remove(t, s, 1, 5)
		want := versions(t, s)
		if diff := cmp.Diff(want, onDisk(t, s)); diff != "" {
			t.Errorf("%s: after opening (-want +got):\n%s", d, diff)
		}
		reader, err := OpenReadOnly(s.folder.Path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, versions(t, reader)); diff != "" {
			t.Errorf("%s: a reader (-want +got):\n%s", d, diff)
		}
		mustClose(t, reader)
		mustClose(t, s)
		if names, _ := filepath.Glob(filepath.Join(s.folder.Path, "*.log")); len(names) != 0 {
			t.Errorf("%s: after Close there are %v", d, names)
		}
	}
}

// Items are the same after a replay, bit for bit.
func TestAReplayKeepsVectorsAndPayloads(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	mustLog(t, s, Synced)
	items := []index.Item{
		{ID: 1, Vector: []float32{.1, .7, -3, 4e-9}},
		{ID: 9, Vector: []float32{5, .3, .3, .3}, Payload: index.Payload{}},
		{ID: 1 << 60, Vector: []float32{0, 0, 0, 1}, Payload: index.Payload{"a": int64(1), "b": []string{"x", ""}, "c": nil}},
	}
	if err := s.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	n, err := s.SetPayloads(t.Context(), map[index.ID]index.Payload{9: {"new": true}, 10: {"nobody": true}})
	if err != nil || n != 1 {
		t.Fatalf("%d payloads were set, error %v", n, err)
	}
	ids := []index.ID{1, 9, 1 << 60}
	want, err := s.Get(t.Context(), ids)
	if err != nil || want[1].Payload["new"] != true {
		t.Fatalf("item 9 has the payload %v, error %v", want[1].Payload, err)
	}
	reader, err := OpenReadOnly(s.folder.Path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Get(t.Context(), ids)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	mustClose(t, reader)
	mustClose(t, s)
}

// SetPayloads changes the payload of a row in memory and on disk, and nothing else.
func TestPayloadsAreSet(t *testing.T) {
	s := mustCreateStamped(t, t.TempDir(), 4)
	defer mustClose(t, s)
	put(t, s, 1, 1, 2, 3)
	mustFlush(t, s)
	put(t, s, 1, 4)
	before, err := s.Get(t.Context(), []index.ID{1, 2, 4})
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.SetPayloads(t.Context(), map[index.ID]index.Payload{1: {"version": int64(1), "new": "a"}, 4: {"version": int64(1)}, 7: nil})
	if n != 2 || err != nil {
		t.Fatalf("%d payloads were set, error %v", n, err)
	}
	before[0].Payload = index.Payload{"version": int64(1), "new": "a"}
	after, err := s.Get(t.Context(), []index.ID{1, 2, 4})
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	versions(t, s) // compares tokens
	if _, err := s.SetPayloads(t.Context(), map[index.ID]index.Payload{2: {"bad": 1}}); !errors.Is(err, index.ErrPayload) {
		t.Errorf("error %v, want ErrPayload", err)
	}
}

// A bulk load is not logged, and what is written after it is.
func TestABulkLoadIsNotLogged(t *testing.T) {
	s := mustCreate(t, t.TempDir(), 4)
	defer mustClose(t, s)
	mustLog(t, s, Synced)
	put(t, s, 1, 1)
	logged := versions(t, s)
	if err := s.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, 2, 3)
	if diff := cmp.Diff(logged, onDisk(t, s)); diff != "" {
		t.Errorf("during the load (-want +got):\n%s", diff)
	}
	if err := s.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	put(t, s, 2, 3, 4)
	if diff := cmp.Diff(versions(t, s), onDisk(t, s)); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
}

// loggedScript writes in every way with a synced log, and notes after each call that it
// is durable.
func (l *life) loggedScript(ctx context.Context, fsys vfs.FS, dir string) error {
	s, err := CreateFS(fsys, dir, Options{Dim: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	l.created = true
	if err := s.SetDurability(Synced); err != nil {
		return err
	}
	state := map[index.ID]int64{}
	step := func(change func(map[index.ID]int64), write func() error) error {
		state = maps.Clone(state)
		change(state)
		l.began(state)
		if err := write(); err != nil {
			return err
		}
		l.flushed(len(l.states) - 1)
		return nil
	}
	for round := range int64(3) {
		first := index.ID(2 * round)
		for _, err := range []error{
			step(func(m map[index.ID]int64) { m[first], m[first+1], m[first+2] = round, round, round },
				func() error { return s.Upsert(ctx, version(round, first, first+1, first+2)) }),
			step(func(m map[index.ID]int64) { m[first+1] = 10 },
				func() error {
					_, err := s.SetPayloads(ctx, map[index.ID]index.Payload{first + 1: {"version": int64(10)}})
					return err
				}),
			step(func(m map[index.ID]int64) { delete(m, first) },
				func() error { _, err := s.Delete(ctx, []index.ID{first}); return err }),
		} {
			if err != nil {
				return err
			}
		}
		if round == 1 {
			if err := s.Flush(ctx); err != nil {
				return err
			}
		}
	}
	return s.Close()
}

// The power goes before each operation of a store whose log is synced. What a call has
// acknowledged is there, and the call under way is there or not.
func TestAPowerLossAtEachOperationKeepsWhatWasLogged(t *testing.T) {
	t.Parallel()
	fsys, dir := newDisk(t)
	l := &life{states: []map[index.ID]int64{{}}}
	crashes := uint64(0)
	crash := func(crashfs.Op, string) error {
		for range 3 {
			crashes++
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(crashes, 7)))
			if l.created {
				check(t, left, dir, l.possible())
			}
		}
		return nil
	}
	fsys.Before(crash)
	if err := l.loggedScript(t.Context(), fsys, dir); err != nil {
		t.Fatal(err)
	}
	_ = crash("", "")
	if crashes < 200 {
		t.Errorf("%d crashes, want at least 200", crashes)
	}
}

// A process is killed before each operation, and the power goes after the next one has
// opened the index and written once more.
func TestAKilledWriterOfALog(t *testing.T) {
	t.Parallel()
	for operations := 0; ; operations++ {
		fsys, dir := newDisk(t)
		l := &life{states: []map[index.ID]int64{{}}}
		killAfter(fsys, operations)
		err := l.loggedScript(t.Context(), fsys, dir)
		fsys.Before(nil)
		if err == nil {
			break
		}
		if !l.created {
			continue
		}
		s, err := OpenFS(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		found := maps.Clone(find(t, s, l.possible()))
		mustLog(t, s, Synced)
		if err := s.Upsert(t.Context(), version(20, 50)); err != nil {
			t.Fatal(err)
		}
		found[50] = 20
		for seed := range uint64(1) {
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(seed, uint64(operations))))
			check(t, left, dir, []map[index.ID]int64{found})
		}
		mustClose(t, s)
	}
}

// The disk is full at each operation of a write in turn. The write is refused, searches
// go on, nothing is lost, and writes go on when there is room again.
func TestAFullDiskRefusesLoggedWrites(t *testing.T) {
	for operations := 0; ; operations++ {
		disk := &fullDisk{room: 1000}
		s, err := CreateFS(disk, t.TempDir(), Options{Dim: 4})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, 1, 1, 2)
		mustLog(t, s, Synced)
		if operations%2 == 0 { // or else the full disk is met by the beginning of the log
			put(t, s, 1, 3)
		}
		want := versions(t, s)
		disk.room = operations / 2
		err = s.Upsert(t.Context(), version(2, 2, 9))
		disk.room = 1000
		if err == nil && operations > 20 {
			mustClose(t, s)
			break
		}
		if err != nil {
			if diff := cmp.Diff(want, versions(t, s)); !errors.Is(err, syscall.ENOSPC) || diff != "" {
				t.Fatalf("%d operations: error %v (-want +got):\n%s", operations, err, diff)
			}
		}
		put(t, s, 3, 7)
		if diff := cmp.Diff(versions(t, s), onDisk(t, s)); diff != "" {
			t.Fatalf("%d operations: with room again (-want +got):\n%s", operations, diff)
		}
		mustClose(t, s)
	}
}

// fullDisk has room for a number of writes; a write that fails has written half.
type fullDisk struct {
	vfs.OS
	room int
}

type fullFile struct {
	vfs.File
	disk *fullDisk
}

func (d *fullDisk) OpenFile(path string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := d.OS.OpenFile(path, flag, perm)
	return fullFile{f, d}, err
}

func (f fullFile) Write(b []byte) (int, error) {
	if f.disk.room--; f.disk.room < 0 {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return f.File.Write(b)
}

func (f fullFile) WriteAt(b []byte, at int64) (int, error) {
	if f.disk.room--; f.disk.room < 0 {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(b, at)
}
