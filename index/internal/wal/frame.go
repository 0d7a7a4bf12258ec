package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	magic      = "engram\x00L"
	version    = 1
	prefixSize = 24 // bytes of the header before the marks
	markSize   = 12
	marks      = 2
	headerSize = prefixSize + marks*markSize

	marker    = "\xabREC"
	frameSize = 20 // bytes of a frame before the record

	// MaxRecord bounds the bytes of one record.
	MaxRecord = 1 << 30

	suffix = ".log"
)

// Name is the file name of the log with a number.
func Name(number uint64) string { return fmt.Sprintf("%016x%s", number, suffix) }

// numberOf is the inverse of Name.
func numberOf(name string) (number uint64, ok bool) {
	digits, found := strings.CutSuffix(name, suffix)
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, found && err == nil && Name(number) == name
}

// InChain reports whether name is the file name of a log of the chain that begins with
// the log from; 0: there is no chain.
func InChain(name string, from uint64) bool {
	number, ok := numberOf(name)
	return ok && from != 0 && number >= from
}

// castagnoli is the table of CRC-32C, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header returns the header of a new log with a number: its marks say that no frame is
// durable.
func header(number uint64) []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	for range marks {
		b = appendMark(b, number, 0)
	}
	return b
}

// appendMark appends the mark which says that the frames up to one, with that one, are
// durable in the log with a number.
func appendMark(b []byte, number, frame uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, frame)
	return binary.LittleEndian.AppendUint32(b, sum(number, b[len(b)-8:]))
}

// markAt is the offset of the mark that is written after a frame became durable when
// others did before. Each mark leaves the one before it as it is.
func markAt(turn int) int64 { return int64(prefixSize + turn%marks*markSize) }

// parseMarks returns the highest frame that the marks of a log say is durable; ok is
// false where none of them is sound. One that is not sound is torn: its write was under
// way when the power went.
func parseMarks(b []byte, number uint64) (frame uint64, ok bool) {
	for turn := range marks {
		at := int(markAt(turn))
		if len(b) < at+markSize {
			break
		}
		if m := b[at : at+markSize]; sum(number, m[:8]) == binary.LittleEndian.Uint32(m[8:]) {
			frame, ok = max(frame, binary.LittleEndian.Uint64(m)), true
		}
	}
	return frame, ok
}

// frame is a record in a log.
type frame struct {
	seq    uint64 // number of the frame in its log, from 1
	record []byte
}

// append appends the bytes of the frame in the log with a number.
func (f frame) append(b []byte, number uint64) []byte {
	start := len(b)
	b = append(b, marker...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.record)))
	b = binary.LittleEndian.AppendUint64(b, f.seq)
	b = binary.LittleEndian.AppendUint32(b, sum(number, b[start:], f.record))
	return append(b, f.record...)
}

// sum is the checksum of parts of the log with a number. It covers that number, so that
// bytes of another log are no marks and no frames of this one.
func sum(number uint64, parts ...[]byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	sum := crc32.Checksum(n[:], castagnoli)
	for _, b := range parts {
		sum = crc32.Update(sum, castagnoli, b)
	}
	return sum
}

// parseFrame reads the frame at the start of b and returns its size; ok is false where
// there is no whole one.
func parseFrame(b []byte, number uint64) (f frame, size int, ok bool) {
	if len(b) < frameSize || string(b[:4]) != marker {
		return frame{}, 0, false
	}
	n := uint64(binary.LittleEndian.Uint32(b[4:]))
	if n > MaxRecord || n > uint64(len(b)-frameSize) {
		return frame{}, 0, false
	}
	size = frameSize + int(n)
	f = frame{seq: binary.LittleEndian.Uint64(b[8:]), record: b[frameSize:size:size]}
	return f, size, sum(number, b[:frameSize-4], f.record) == binary.LittleEndian.Uint32(b[frameSize-4:])
}

// nextFrame finds the first frame after seq that begins at byte from of b or later; at is
// len(b) where there is none.
func nextFrame(b []byte, from int, number, seq uint64) (f frame, at int) {
	for {
		skipped := bytes.Index(b[from:], []byte(marker))
		if skipped < 0 {
			return frame{}, len(b)
		}
		from += skipped
		if f, _, ok := parseFrame(b[from:], number); ok && f.seq > seq {
			return f, from
		}
		from += len(marker)
	}
}

// Position is the last frame of a chain: of the newest log that has one. The zero
// Position is of a chain without frames.
type Position struct{ Log, Frame uint64 }

// positionSize is the size of a Position in the first frame of a log.
const positionSize = 16

func (p Position) encode() []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, positionSize), p.Log)
	return binary.LittleEndian.AppendUint64(b, p.Frame)
}

func decodePosition(b []byte) (p Position, ok bool) {
	if len(b) != positionSize {
		return Position{}, false
	}
	return Position{Log: binary.LittleEndian.Uint64(b), Frame: binary.LittleEndian.Uint64(b[8:])}, true
}

func pathOf(dir string, number uint64) string { return filepath.Join(dir, Name(number)) }
