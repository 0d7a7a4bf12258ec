package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"slices"

	"engram/data/vfs"
	"engram/index"
)

// Chain is what a chain of logs holds.
type Chain struct {
	Records []Record // the sound ones, in the order in which they were appended
	End     Position
	Newest  uint64 // highest number of a log
	// Damage says, with file and offset, what is not sound; each is index.ErrCorrupt.
	Damage []error
	// Torn are the ends of logs that are left out: no call of Wait has returned for them.
	Torn []Tail

	dir  string
	from uint64
}

// Record is a record in a log.
type Record struct {
	Content []byte
	Log     uint64
	At      int64 // offset of its frame
}

// Tail is the torn end of a log.
type Tail struct {
	Log   uint64
	At    int64 // where it begins; 0: the log has no whole header
	Bytes int64
}

// Read reads the logs in dir whose numbers are from or higher. A process may append to
// the last of them meanwhile. Damage is no error of Read; a log in another format is.
func Read(dir string, from uint64) (Chain, error) {
	c, err := read(dir, from)
	if err == nil && len(c.Damage) > 0 {
		// A log may have been read before its last record and the next log after it.
		return read(dir, from)
	}
	return c, err
}

func read(dir string, from uint64) (Chain, error) {
	c := Chain{dir: dir, from: from}
	numbers, err := list(dir, from)
	if err != nil {
		return Chain{}, err
	}
	if !slices.Contains(numbers, from) {
		c.damaged(from, errMissing)
	}
	for _, number := range numbers {
		b, err := os.ReadFile(pathOf(dir, number))
		switch {
		case errors.Is(err, fs.ErrNotExist): // its writer has ended it
			c.damaged(number, errMissing)
		case err != nil:
			return Chain{}, err
		default:
			if err := c.read(b, number); err != nil {
				return Chain{}, err
			}
		}
		c.Newest = number
	}
	return c, nil
}

var (
	errMissing = fmt.Errorf("it is missing: %w", fs.ErrNotExist)
	errVersion = errors.New("format")
)

// damaged notes damage to the log with a number.
func (c *Chain) damaged(number uint64, err error) {
	c.Damage = append(c.Damage, fmt.Errorf("log %s: %w: %w", pathOf(c.dir, number), err, index.ErrCorrupt))
}

// Names returns the file names of the logs in dir whose numbers are from or higher.
func Names(dir string, from uint64) ([]string, error) {
	numbers, err := list(dir, from)
	names := make([]string, len(numbers))
	for i, n := range numbers {
		names[i] = Name(n)
	}
	return names, err
}

// list returns the numbers of the logs in dir from one on, in ascending order.
func list(dir string, from uint64) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		if number, ok := numberOf(e.Name()); ok && number >= from {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// read reads one log. The error is errVersion.
func (c *Chain) read(b []byte, number uint64) error {
	if err := checkHeader(b, number); err != nil {
		// The first log was synced before the manifest named it, and each log before it
		// had a frame.
		if number != c.from && len(b) <= headerSize {
			c.Torn = append(c.Torn, Tail{Log: number, Bytes: int64(len(b))})
			return nil
		}
		if errors.Is(err, errVersion) {
			return fmt.Errorf("log %s: %w", pathOf(c.dir, number), err)
		}
		c.damaged(number, err)
	}
	durable, marked := parseMarks(b, number)
	if !marked {
		c.damaged(number, fmt.Errorf("at byte %d: neither mark matches its checksum", prefixSize))
	}
	at, last := min(headerSize, len(b)), uint64(0)
	for at < len(b) {
		f, size, ok := parseFrame(b[at:], number)
		if ok && f.seq == last+1 {
			c.add(f, number, at)
			at, last = at+size, f.seq
			continue
		}
		next, found := nextFrame(b, at, number, last)
		if marked && last >= durable || found == len(b) {
			break
		}
		c.damaged(number, fmt.Errorf("at byte %d: %s, %d bytes", at, lostFrames(last+1, next.seq-1), found-at))
		at, last = found, next.seq-1
	}
	if last < durable {
		c.damaged(number, fmt.Errorf("at byte %d: %s, %d bytes are left", at, lostFrames(last+1, durable), len(b)-at))
	} else if at < len(b) {
		c.Torn = append(c.Torn, Tail{Log: number, At: int64(at), Bytes: int64(len(b) - at)})
	}
	return nil
}

// lostFrames says which frames are lost.
func lostFrames(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("frame %d is lost", from)
	}
	return fmt.Sprintf("frames %d to %d are lost", from, to)
}

// add takes a frame at an offset of the log with a number.
func (c *Chain) add(f frame, number uint64, at int) {
	if f.seq > 1 {
		c.Records = append(c.Records, Record{Content: f.record, Log: number, At: int64(at)})
	} else if err := c.checkFollows(f.record); err != nil {
		c.damaged(number, fmt.Errorf("at byte %d: %w", at, err))
	}
	c.End = Position{Log: number, Frame: f.seq}
}

// checkFollows makes sure that the log whose first frame has this record follows what
// was read so far.
func (c *Chain) checkFollows(record []byte) error {
	before, ok := decodePosition(record)
	if !ok {
		return fmt.Errorf("the first frame has %d bytes, wanted %d", len(record), positionSize)
	}
	// What lies before from is no part of the chain any more.
	if before.Log < c.from {
		before = Position{}
	}
	if before != c.End {
		return fmt.Errorf("it follows frame %d of log %d, found %d of log %d", before.Frame, before.Log, c.End.Frame, c.End.Log)
	}
	return nil
}

func checkHeader(b []byte, number uint64) error {
	if len(b) < headerSize {
		return fmt.Errorf("at byte %d: it ends within the header of %d bytes", len(b), headerSize)
	}
	if string(b[:len(magic)]) != magic {
		return errors.New("at byte 0: it does not begin as a log does")
	}
	if crc32.Checksum(b[:prefixSize-4], castagnoli) != binary.LittleEndian.Uint32(b[prefixSize-4:]) {
		return errors.New("at byte 0: its header does not match its checksum")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return fmt.Errorf("it has %w %d, this program reads format %d", errVersion, v, version)
	}
	if n := binary.LittleEndian.Uint64(b[12:]); n != number {
		return fmt.Errorf("at byte 12: it is the log %d, wanted %d", n, number)
	}
	return nil
}

// CutTorn cuts torn ends off, so that a new log can follow. No process may append
// to the logs meanwhile.
func (c Chain) CutTorn(fsys vfs.FS) error {
	for _, t := range c.Torn {
		path := pathOf(c.dir, t.Log)
		file, err := fsys.OpenFile(path, os.O_RDWR, 0o666)
		if err != nil {
			return err
		}
		err = file.Truncate(t.At)
		if err == nil && t.At == 0 {
			_, err = file.WriteAt(header(t.Log), 0)
		}
		if err == nil {
			err = file.Sync()
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("cutting the torn end of log %s: %w", path, err)
		}
	}
	return nil
}
