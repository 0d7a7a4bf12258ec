package local

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"engram/data/vfs/crashfs"
	"engram/index"
	"engram/index/internal/disk"
)

// errKilled is what operations return once their process has been killed.
var errKilled = errors.New("killed")

// life is the life of a process that writes to an index: it remembers which
// states the index may have after it.
type life struct {
	mu     sync.Mutex
	states []map[index.ID]int64 // after each call, the one under way included
	oldest int                  // the state that the last Flush has made durable

	durability Durability // "" is AtFlush

	created bool  // Create has returned
	version int64 // number of the last call that write made
}

// began notes the state that a call makes.
func (l *life) began(state map[index.ID]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = append(l.states, state)
}

// flushed notes that a state is durable.
func (l *life) flushed(state int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.oldest = state
}

// possible returns the states that a crash of now may leave.
func (l *life) possible() []map[index.ID]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states[l.oldest:]
}

// returned notes that a call that makes the newest state has returned.
func (l *life) returned(err error) {
	if err == nil && l.durability == Synced {
		l.flushed(len(l.states) - 1)
	}
}

// write upserts, deletes and flushes at random until an operation fails.
func (l *life) write(t *testing.T, s *Store, rng *rand.Rand) error {
	t.Helper()
	s.memoryLimit = 4000 // Upsert flushes after some 40 rows
	s.graphRows = 25
	if l.durability != "" {
		if err := s.SetDurability(l.durability); err != nil {
			return err
		}
	}
	ids := func(n int) []index.ID {
		list := make([]index.ID, 1+rng.IntN(n))
		for i := range list {
			list[i] = index.ID(rng.IntN(100))
		}
		return list
	}
	for {
		l.version++
		version := l.version
		now := l.states[len(l.states)-1]
		next := maps.Clone(now)
		var err error
		switch rng.IntN(7) {
		case 0, 1, 2:
			var items []index.Item
			for _, id := range ids(30) {
				next[id] = version
				items = append(items, index.Item{ID: id, Vector: []float32{1, float32(id), 0, 0}, Payload: index.Payload{"version": version}, Tokens: stamp(version)})
			}
			l.began(next)
			err = s.Upsert(t.Context(), items)
			l.returned(err)
		case 3, 4:
			gone := ids(40)
			for _, id := range gone {
				delete(next, id)
			}
			l.began(next)
			_, err = s.Delete(t.Context(), gone)
			l.returned(err)
		default:
			state, keep := len(l.states)-1, s.Flush
			if version%4 == 0 {
				keep = func(ctx context.Context) error { return s.Optimise(ctx, nil) }
			}
			if err = keep(t.Context()); err == nil {
				l.flushed(state)
			}
		}
		if err != nil {
			return err
		}
	}
}

// find returns the items of an open index, which are in one of the possible
// states.
func find(t *testing.T, s *Store, possible []map[index.ID]int64) map[index.ID]int64 {
	t.Helper()
	got := versions(t, s)
	for _, state := range possible {
		if maps.Equal(got, state) {
			return got
		}
	}
	t.Fatalf("the index has %v, the last flush left %v, the last call %v", got, possible[0], possible[len(possible)-1])
	return nil
}

// powerLoss returns what a power loss of now leaves.
func powerLoss(t *testing.T, fsys *crashfs.FS, rng *rand.Rand) (left *crashfs.FS, dir string) {
	t.Helper()
	top := t.TempDir()
	if err := fsys.Crash(top, rng); err != nil {
		t.Fatal(err)
	}
	left, err := crashfs.New(top)
	if err != nil {
		t.Fatal(err)
	}
	return left, filepath.Join(top, "index")
}

// check verifies an index, which is in one of the possible states.
func check(t *testing.T, fsys *crashfs.FS, dir string, possible []map[index.ID]int64) map[index.ID]int64 {
	t.Helper()
	s, err := OpenFS(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	return find(t, s, possible)
}

// newDisk returns a file system with the folder parent in it, in which an index
// can be made.
func newDisk(t *testing.T) (fsys *crashfs.FS, index string) {
	t.Helper()
	dir := t.TempDir()
	fsys, err := crashfs.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fsys, filepath.Join(dir, "index")
}

// killAfter makes all operations fail after a number of them.
func killAfter(fsys *crashfs.FS, operations int) {
	var mu sync.Mutex
	fsys.Before(func(crashfs.Op, string) error {
		mu.Lock()
		defer mu.Unlock()
		if operations--; operations < 0 {
			return errKilled
		}
		return nil
	})
}

// live opens the index, writes to it until it is killed, and closes it.
func (l *life) live(t *testing.T, fsys *crashfs.FS, dir string, rng *rand.Rand) {
	t.Helper()
	s, err := OpenFS(fsys, dir)
	if err == nil {
		l.began(find(t, s, l.possible()))
		err = l.write(t, s, rng)
		join(s)
		if e := s.Close(); e != nil && !errors.Is(e, errKilled) {
			t.Fatal(e)
		}
	}
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
}

// Processes write at random. Each is killed, and every other time the power goes
// with it; the next process goes on with what is left. What a Flush has
// acknowledged is there, whole calls at a time, and the index opens.
func TestAPowerLossLosesNothingThatWasFlushed(t *testing.T) {
	t.Parallel()
	livesAndPowerLosses(t, &life{}, 120)
}

// What a call has acknowledged is there where the log is synced.
func TestAPowerLossLosesNothingThatWasLogged(t *testing.T) {
	t.Parallel()
	livesAndPowerLosses(t, &life{durability: Synced}, 24)
}

func livesAndPowerLosses(t *testing.T, l *life, lives int) {
	t.Helper()
	if testing.Short() {
		lives /= 4
	}
	rng := rand.New(rand.NewPCG(1, 2))
	fsys, dir := newDisk(t)
	s, err := CreateFS(fsys, dir, Options{Dim: 4, Tokens: stamped})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	l.states = []map[index.ID]int64{{}}
	for range lives {
		killAfter(fsys, rng.IntN(80))
		l.live(t, fsys, dir, rng)
		fsys.Before(nil)
		if rng.IntN(2) == 0 {
			continue // the system lives on, with what is not synced
		}
		var found map[index.ID]int64
		next, nextDir := fsys, dir
		for range 4 {
			after, dirAfter := powerLoss(t, fsys, rng)
			found = check(t, after, dirAfter, l.possible())
			next, nextDir = after, dirAfter
		}
		fsys, dir = next, nextDir
		l.states, l.oldest = []map[index.ID]int64{found}, 0
	}
	if l.version < int64(lives) {
		t.Errorf("%d processes made %d calls only", lives, l.version)
	}
}

// script is a store's life in which each kind of file is written and removed: it
// is created, filled, flushed, and merged, and notes what a Flush has made
// durable.
func (l *life) script(t *testing.T, fsys *crashfs.FS, dir string) error {
	s, err := CreateFS(fsys, dir, Options{Dim: 4, Tokens: stamped})
	if err != nil {
		return err
	}
	defer s.Close()
	l.created = true
	state := map[index.ID]int64{}
	for round := range int64(4) {
		state = maps.Clone(state)
		for id := range index.ID(6) {
			id += index.ID(4 * round)
			state[id] = round
			put(t, s, round, id)
		}
		delete(state, index.ID(4*round+1))
		remove(t, s, index.ID(4*round+1))
		l.began(state)
		if err := s.Flush(t.Context()); err != nil {
			return err
		}
		l.flushed(len(l.states) - 1)
	}
	s.graphRows = 5
	if err := s.Optimise(t.Context(), nil); err != nil {
		return err
	}
	return s.Close()
}

// The power goes before each operation in turn. Whatever is left opens, if Create
// has returned, and has what was flushed. Before that it can be created.
func TestAPowerLossAtEachOperation(t *testing.T) {
	t.Parallel()
	fsys, dir := newDisk(t)
	l := &life{states: []map[index.ID]int64{{}}}
	crashes := 0
	crash := func(crashfs.Op, string) error {
		for seed := range uint64(6) {
			crashes++
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(seed, uint64(crashes))))
			if _, err := disk.ReadManifest(dir); errors.Is(err, index.ErrNotFound) && !l.created {
				s, err := CreateFS(left, dir, Options{Dim: 4})
				if err != nil {
					t.Fatal(err)
				}
				mustClose(t, s)
			}
			check(t, left, dir, l.possible())
		}
		return nil
	}
	fsys.Before(crash)
	if err := l.script(t, fsys, dir); err != nil {
		t.Fatal(err)
	}
	_ = crash("", "")
	if crashes < 200 {
		t.Errorf("%d crashes, want at least 300", crashes)
	}
}

// A process is killed before each operation in turn, and the next one opens the
// index and finds nothing to flush. What it has found, and acknowledged by a
// Flush, survives the power loss that follows.
func TestAPowerLossAfterAKilledProcess(t *testing.T) {
	t.Parallel()
	for operations := 0; ; operations++ {
		fsys, dir := newDisk(t)
		l := &life{states: []map[index.ID]int64{{}}}
		killAfter(fsys, operations)
		err := l.script(t, fsys, dir)
		fsys.Before(nil)
		if err == nil {
			break
		}
		s, err := OpenFS(fsys, dir)
		if errors.Is(err, index.ErrNotFound) && !l.created {
			s, err = CreateFS(fsys, dir, Options{Dim: 4})
		}
		if err != nil {
			t.Fatal(err)
		}
		found := find(t, s, l.possible())
		mustFlush(t, s)
		for seed := range uint64(6) {
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(seed, uint64(operations))))
			check(t, left, dir, []map[index.ID]int64{found})
		}
		mustClose(t, s)
	}
}

// The power goes before each operation while a label is set again and again, with
// rows in memory that are not flushed. The index has the label of the last call
// that returned or of the one under way, and the rows of the last flush.
func TestAPowerLossKeepsALabel(t *testing.T) {
	fsys, dir := newDisk(t)
	s, err := CreateFS(fsys, dir, Options{Dim: 4, Tokens: stamped})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, 1, 1, 2, 3)
	mustFlush(t, s)
	flushed := versions(t, s)
	set, crashes := 0, uint64(0)
	crash := func() {
		for range 10 {
			crashes++
			left, dir := powerLoss(t, fsys, rand.New(rand.NewPCG(crashes, 0)))
			opened, err := OpenFS(left, dir)
			if err != nil {
				t.Fatal(err)
			}
			find(t, opened, []map[index.ID]int64{flushed})
			labels, err := opened.Labels(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := strconv.Atoi(labels["number"]); n < set || n > set+1 {
				t.Fatalf("the label is %q, the last one set was %d", labels["number"], set)
			}
			mustClose(t, opened)
		}
	}
	fsys.Before(func(crashfs.Op, string) error { crash(); return nil })
	for n := 1; n <= 3; n++ {
		put(t, s, 2, index.ID(10*n))
		if err := s.SetLabel(t.Context(), "number", strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		set = n
	}
	crash()
	fsys.Before(nil)
	mustClose(t, s)
}
