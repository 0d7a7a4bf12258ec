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
	headerSize = 24

	marker    = "\xabREC"
	frameSize = 28 // bytes of a frame before the record

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

// header returns the header of the log with a number.
func header(number uint64) []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, number)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// frame is a record in a log.
type frame struct {
	seq    uint64 // number of the frame in its log, from 1
	synced uint64 // frames up to this one were durable when it was appended
	record []byte
}

// append appends the bytes of the frame in the log with a number. The checksum covers
// that number, so that bytes of another log are no frames of this one.
func (f frame) append(b []byte, number uint64) []byte {
	start := len(b)
	b = append(b, marker...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.record)))
	b = binary.LittleEndian.AppendUint64(b, f.seq)
	b = binary.LittleEndian.AppendUint64(b, f.synced)
	b = binary.LittleEndian.AppendUint32(b, frameSum(b[start:], number, f.record))
	return append(b, f.record...)
}

// frameSum is the checksum of a frame whose first 24 bytes are head.
func frameSum(head []byte, number uint64, record []byte) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], number)
	sum := crc32.Checksum(n[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, head[:frameSize-4])
	return crc32.Update(sum, castagnoli, record)
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
	f = frame{
		seq: binary.LittleEndian.Uint64(b[8:]), synced: binary.LittleEndian.Uint64(b[16:]),
		record: b[frameSize:size:size],
	}
	return f, size, frameSum(b, number, f.record) == binary.LittleEndian.Uint32(b[24:])
}

// syncedAfter returns the highest synced of the frames that lie anywhere in b, 0 where
// there is none.
func syncedAfter(b []byte, number uint64) uint64 {
	var synced uint64
	for {
		at := bytes.Index(b, []byte(marker))
		if at < 0 {
			return synced
		}
		if f, size, ok := parseFrame(b[at:], number); ok {
			synced = max(synced, f.synced)
			b = b[at+size:]
		} else {
			b = b[at+len(marker):]
		}
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
