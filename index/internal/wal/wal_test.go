package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/vfs"
	"engram/data/vfs/crashfs"
	"engram/index"
)

func mustLog(t testing.TB, dir string, number uint64, end Position) *Log {
	t.Helper()
	l, err := Create(vfs.OS{}, dir, number, 0)
	if err == nil {
		err = l.Follow(end)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// add appends records, each durable before the next.
func add(t testing.TB, l *Log, records ...string) {
	t.Helper()
	for _, r := range records {
		seq, err := l.Append([]byte(r))
		if err == nil {
			err = l.Wait(seq)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func finish(t testing.TB, l *Log) Position {
	t.Helper()
	end, err := l.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func texts(c Chain) []string {
	var got []string
	for _, r := range c.Records {
		got = append(got, string(r.Content))
	}
	return got
}

// chain writes two logs of three records each.
func chain(t testing.TB) (dir string, want []string) {
	t.Helper()
	dir = t.TempDir()
	l := mustLog(t, dir, 3, Position{})
	add(t, l, "a", "", "ccc")
	l = mustLog(t, dir, 7, finish(t, l))
	add(t, l, "d", "ee", "fff")
	finish(t, l)
	return dir, []string{"a", "", "ccc", "d", "ee", "fff"}
}

func TestAChainIsReadInOrder(t *testing.T) {
	dir, want := chain(t)
	for from, records := range map[uint64][]string{3: want, 7: want[3:]} {
		c, err := Read(dir, from)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records, texts(c)); diff != "" {
			t.Error(diff)
		}
		if c.End != (Position{Log: 7, Frame: 4}) || c.Newest != 7 {
			t.Errorf("the chain ends at %v, newest %d", c.End, c.Newest)
		}
	}
}

// lost reads a chain whose records are single letters in order, and returns the letters
// among want that are missing. Nothing else may be there.
func lost(t *testing.T, dir, want string) (missing string, c Chain) {
	t.Helper()
	c, err := Read(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(texts(c), "")
	for _, letter := range want {
		if rest, found := strings.CutPrefix(got, string(letter)); found {
			got = rest
		} else {
			missing += string(letter)
		}
	}
	if got != "" {
		t.Fatalf("found %q among %q", got, want)
	}
	for _, d := range c.Damage {
		if !errors.Is(d, index.ErrCorrupt) || !strings.Contains(d.Error(), dir) || !strings.Contains(d.Error(), "at byte ") {
			t.Fatalf("damage %v, want ErrCorrupt with file and offset", d)
		}
	}
	return missing, c
}

// Every byte of a chain is flipped and every length is cut to. Read tells the damage, the
// last record and a log that was cut to nothing included, and keeps all other records.
func TestDamageIsToldAndTheRestIsKept(t *testing.T) {
	dir, want := t.TempDir(), "abcdef"
	l := mustLog(t, dir, 3, Position{})
	add(t, l, "a", "b", "c")
	l = mustLog(t, dir, 7, finish(t, l))
	add(t, l, "d", "e", "f")
	finish(t, l)
	for _, number := range []uint64{3, 7} {
		path := filepath.Join(dir, Name(number))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damage := func(what string, b []byte) (missing string, c Chain) {
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			missing, c = lost(t, dir, want)
			if len(missing) > 0 && len(c.Damage) == 0 {
				t.Fatalf("log %d, %s: %q are lost and no damage is told", number, what, missing)
			}
			return missing, c
		}
		for i := range content {
			flipped := slices.Clone(content)
			flipped[i] ^= 1 << (i % 8)
			missing, c := damage(fmt.Sprintf("byte %d flipped", i), flipped)
			mark := i >= prefixSize && i < headerSize
			if len(missing) > 1 || len(c.Damage) == 0 && !mark {
				t.Fatalf("log %d, byte %d flipped: %q are lost, damage %v", number, i, missing, c.Damage)
			}
			if number == 3 || i >= headerSize {
				damage(fmt.Sprintf("cut to %d bytes", i), content[:i])
			}
		}
		noMarks := slices.Clone(content)
		clear(noMarks[prefixSize:headerSize])
		if missing, c := damage("no mark", noMarks); missing != "" || len(c.Damage) != 1 {
			t.Fatalf("log %d without marks: %q are lost, damage %v", number, missing, c.Damage)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// Of two marks one can be torn when the power goes, and the other says less.
func TestAMarkThatIsTornIsNoDamage(t *testing.T) {
	dir, _ := chain(t)
	path := filepath.Join(dir, Name(7))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for turn := range marks {
		torn := slices.Clone(content)
		torn[markAt(turn)] ^= 1
		if err := os.WriteFile(path, torn, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := Read(dir, 3)
		if err != nil || len(c.Damage) > 0 || len(c.Records) != 6 {
			t.Errorf("mark %d: %d records, damage %v, error %v", turn, len(c.Records), c.Damage, err)
		}
	}
}

func TestALogThatIsMissingIsDamage(t *testing.T) {
	for missing, want := range map[uint64]string{3: "it is missing", 7: "it follows frame 4 of log 7, found 4 of log 3"} {
		dir, _ := chain(t)
		l := mustLog(t, dir, 9, Position{Log: 7, Frame: 4})
		add(t, l, "g")
		finish(t, l)
		if err := os.Remove(filepath.Join(dir, Name(missing))); err != nil {
			t.Fatal(err)
		}
		c, err := Read(dir, 3)
		if err := errors.Join(append(c.Damage, err)...); !errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("without log %d: error %v, want ErrCorrupt with %q", missing, err, want)
		}
		if len(c.Records) != 4 {
			t.Errorf("without log %d: %d records, want the 4 of the others", missing, len(c.Records))
		}
	}
}

func TestALogOfAnotherFormatIsRefused(t *testing.T) {
	dir, _ := chain(t)
	path := filepath.Join(dir, Name(7))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[8]++
	binary.LittleEndian.PutUint32(content[prefixSize-4:], crc32.Checksum(content[:prefixSize-4], castagnoli))
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir, 3); err == nil || errors.Is(err, index.ErrCorrupt) || !strings.Contains(err.Error(), "format 2, this program reads format 1") {
		t.Errorf("error %v, want one that names both formats", err)
	}
}

// The power goes at random. What Wait has returned for is there, in order, and a new
// log can follow.
func TestAPowerLossKeepsWhatWasWaitedFor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		left := powerLoss(t, rng, rng.IntN(12))
		if _, err := os.Stat(filepath.Join(left.dir, Name(1))); err != nil && left.durable == 0 {
			continue
		}
		c, err := Read(left.dir, 1)
		if err := errors.Join(append(c.Damage, err)...); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if n := len(c.Records); n < left.durable || !slices.Equal(texts(c), left.records[:n]) {
			t.Fatalf("round %d: %q is left of %q, %d were durable", round, texts(c), left.records, left.durable)
		}
		if err := c.CutTorn(vfs.OS{}); err != nil {
			t.Fatal(err)
		}
		l := mustLog(t, left.dir, 2, c.End)
		add(t, l, "after")
		finish(t, l)
		again, err := Read(left.dir, 1)
		if err != nil {
			t.Fatalf("round %d: after the cut: %v", round, err)
		}
		if diff := cmp.Diff(append(texts(c), "after"), texts(again)); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
}

type remains struct {
	dir     string
	records []string
	durable int
}

// powerLoss appends records to a log, waits for some of them, and returns what a
// power loss leaves.
func powerLoss(t *testing.T, rng *rand.Rand, appends int) remains {
	t.Helper()
	var r remains
	before := t.TempDir()
	fsys, err := crashfs.New(before)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Create(fsys, before, 1, 0)
	if err == nil && appends > 0 {
		err = errors.Join(fsys.SyncDir(before), l.Follow(Position{}))
	}
	for i := range appends {
		r.records = append(r.records, fmt.Sprintf("record %d of %d", i, rng.IntN(1000)))
		seq, e := l.Append([]byte(r.records[i]))
		if err = errors.Join(err, e); rng.IntN(3) == 0 {
			err = errors.Join(err, l.Wait(seq))
			r.durable = i + 1
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r.dir = t.TempDir()
	if err := fsys.Crash(r.dir, rng); err != nil {
		t.Fatal(err)
	}
	return r
}

type countingFS struct {
	vfs.OS
	syncs          int
	refuse, noSync bool
}

type countingFile struct {
	vfs.File
	disk *countingFS
}

func (c *countingFS) OpenFile(path string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := c.OS.OpenFile(path, flag, perm)
	return countingFile{f, c}, err
}

func (f countingFile) Sync() error {
	f.disk.syncs++
	if f.disk.noSync {
		return syscall.EIO
	}
	return f.File.Sync()
}

func (f countingFile) WriteAt(b []byte, at int64) (int, error) {
	if f.disk.refuse {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(b, at)
}

// FuzzRead damages a log: Read finds damage or the first records, and never others.
func FuzzRead(f *testing.F) {
	dir, want := chain(f)
	content, err := os.ReadFile(filepath.Join(dir, Name(7)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte{1}, len(content))
	f.Add(headerSize, []byte(marker), len(content)-1)
	f.Add(headerSize+4, []byte{0xff, 0xff, 0xff, 0xff}, len(content)+9)
	f.Fuzz(func(t *testing.T, at int, patch []byte, size int) {
		if at < 0 || at > len(content) || size < 0 || size > 2*len(content) {
			return
		}
		b := make([]byte, size)
		copy(b, content)
		if at < size {
			copy(b[at:], patch)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Name(7)), b, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := Read(dir, 7)
		got := texts(c)
		if err == nil && len(c.Damage) == 0 && (len(got) > 3 || !slices.Equal(got, want[3:][:len(got)])) {
			t.Fatalf("found %q", got)
		}
	})
}
