package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
	"engram/index"
)

// Chain is what a chain of logs holds.
type Chain struct {
	Records [][]byte // in the order in which they were appended
	End     Position
	Newest  uint64 // highest number of a log

	dir  string
	from uint64
	torn []tail
}

// tail is the torn end of a log.
type tail struct {
	number uint64
	at     int64 // where it begins; 0: the log has no whole header
}

// Read reads the logs in dir whose numbers are from or higher. A process may append to
// the last of them meanwhile. index.ErrCorrupt marks damage, with file and offset;
// fs.ErrNotExist says that the log from is missing.
func Read(dir string, from uint64) (Chain, error) {
	c, err := read(dir, from)
	if errors.Is(err, errGap) {
		// The next log began after the last but one was read. That one is complete now.
		c, err = read(dir, from)
	}
	return c, err
}

var errGap = fmt.Errorf("records are missing: %w", index.ErrCorrupt)

func read(dir string, from uint64) (Chain, error) {
	c := Chain{dir: dir, from: from}
	numbers, err := list(dir, from)
	if err != nil {
		return Chain{}, err
	}
	if !slices.Contains(numbers, from) {
		return Chain{}, &fs.PathError{Op: "open", Path: pathOf(dir, from), Err: fs.ErrNotExist}
	}
	for _, number := range numbers {
		if err := c.read(number); err != nil {
			return Chain{}, fmt.Errorf("log %s: %w", pathOf(dir, number), err)
		}
		c.Newest = number
	}
	return c, nil
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

// read reads one log.
func (c *Chain) read(number uint64) error {
	b, err := os.ReadFile(filepath.Join(c.dir, Name(number)))
	if err != nil {
		return err
	}
	if err := checkHeader(b, number); err != nil {
		if len(b) > headerSize { // the header was synced before a record was appended
			return err
		}
		c.torn = append(c.torn, tail{number: number})
		return nil
	}
	at, last := headerSize, uint64(0)
	for at < len(b) {
		f, size, ok := parseFrame(b[at:], number)
		if !ok {
			break
		}
		if f.seq != last+1 {
			return fmt.Errorf("at byte %d: frame %d follows frame %d: %w", at, f.seq, last, index.ErrCorrupt)
		}
		if last > 0 {
			c.Records = append(c.Records, f.record)
		} else if err := c.checkFollows(f.record); err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		last = f.seq
		c.End = Position{Log: number, Frame: last}
		at += size
	}
	if at == len(b) {
		return nil
	}
	// A frame after the damage tells whether what is damaged was synced.
	if synced := syncedAfter(b[at:], number); synced > last {
		return fmt.Errorf("at byte %d: frame %d was synced and does not match its checksum: %w", at, last+1, index.ErrCorrupt)
	}
	c.torn = append(c.torn, tail{number: number, at: int64(at)})
	return nil
}

// checkFollows makes sure that the log whose first frame has this record follows what
// was read so far.
func (c *Chain) checkFollows(record []byte) error {
	before, ok := decodePosition(record)
	if !ok {
		return fmt.Errorf("the first frame has %d bytes, wanted %d: %w", len(record), positionSize, index.ErrCorrupt)
	}
	// What lies before from is no part of the chain any more.
	if before.Log < c.from {
		before = Position{}
	}
	if before != c.End || len(c.torn) > 0 {
		return fmt.Errorf("it follows frame %d of log %d, found %d of log %d: %w",
			before.Frame, before.Log, c.End.Frame, c.End.Log, errGap)
	}
	return nil
}

func checkHeader(b []byte, number uint64) error {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return fmt.Errorf("at byte 0: it does not begin as a log does: %w", index.ErrCorrupt)
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return fmt.Errorf("at byte 0: its header does not match its checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return fmt.Errorf("it has format %d, this program reads format %d", v, version)
	}
	if n := binary.LittleEndian.Uint64(b[12:]); n != number {
		return fmt.Errorf("at byte 12: it is the log %d, wanted %d: %w", n, number, index.ErrCorrupt)
	}
	return nil
}

// Repair cuts torn ends off, so that a new log can follow. No process may append
// to the logs meanwhile.
func (c Chain) Repair(fsys vfs.FS) error {
	for _, t := range c.torn {
		path := pathOf(c.dir, t.number)
		file, err := fsys.OpenFile(path, os.O_RDWR, 0o666)
		if err != nil {
			return err
		}
		if t.at == 0 {
			err = errors.Join(file.Truncate(0), writeAll(file, header(t.number)))
		} else {
			err = file.Truncate(t.at)
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
