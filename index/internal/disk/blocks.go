package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"engram/index"
)

// blocks is a mapped file of blocks, with a list of their checksums behind them. The
// zero blocks is of rows in memory, which have no checksums.
type blocks struct {
	file  *os.File
	data  []byte // the mapped file
	sums  int64  // where the checksums begin
	count int64  // blocks
}

// mapBlocks maps a file of total bytes.
func (b *blocks) mapBlocks(sums, total int64) (err error) {
	b.sums, b.count = sums, sums/BlockSize
	if b.data, err = mapFile(b.file, int(total)); err != nil {
		return fmt.Errorf("mapping it: %w", err)
	}
	return nil
}

// checkSums checks the list of checksums itself.
func (b *blocks) checkSums() error {
	sums := b.data[b.sums:]
	if checksum(sums[:len(sums)-4]) != binary.LittleEndian.Uint32(sums[len(sums)-4:]) {
		return fmt.Errorf("the list of checksums does not match its own: %w", index.ErrCorrupt)
	}
	return nil
}

// check compares the blocks that hold size bytes from start with their
// checksums. Rows in memory have none.
func (b *blocks) check(start, size int64) error {
	if b.data == nil || size == 0 {
		return nil
	}
	for block := start / BlockSize; block*BlockSize < start+size; block++ {
		if checksum(b.data[block*BlockSize:][:BlockSize]) != b.sum(block) {
			return b.damaged(block)
		}
	}
	return nil
}

func (b *blocks) sum(block int64) uint32 {
	return binary.LittleEndian.Uint32(b.data[b.sums+4*block:])
}

func (b *blocks) damaged(block int64) error {
	return fmt.Errorf("segment %s: bytes %d to %d do not match their checksum: %w",
		b.file.Name(), block*BlockSize, (block+1)*BlockSize, index.ErrCorrupt)
}

// verify reads the whole file and compares every block with its checksum. It
// reads through the file and not the map, so that a bad sector is an error and
// not a fault.
func (b *blocks) verify(ctx context.Context) error {
	if b.file == nil {
		return nil
	}
	const chunk = 256 // blocks, 1 MiB
	buf := make([]byte, chunk*BlockSize)
	for block := int64(0); block < b.count; block += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, b.count-block)
		if _, err := b.file.ReadAt(buf[:n*BlockSize], block*BlockSize); err != nil {
			return fmt.Errorf("segment %s: %w", b.file.Name(), errors.Join(index.ErrCorrupt, err))
		}
		for i := range n {
			if checksum(buf[i*BlockSize:][:BlockSize]) != b.sum(block+i) {
				return b.damaged(block + i)
			}
		}
	}
	return b.verifySums()
}

// verifySums is checkSums through the file.
func (b *blocks) verifySums() error {
	tail := make([]byte, int64(len(b.data))-b.sums+1)
	if n, err := b.file.ReadAt(tail, b.sums); err != io.EOF || n != len(tail)-1 {
		return fmt.Errorf("segment %s: its end was read as %d of %d bytes: %w",
			b.file.Name(), n, len(tail)-1, errors.Join(index.ErrCorrupt, err))
	}
	if sums := tail[:len(tail)-5]; checksum(sums) != binary.LittleEndian.Uint32(tail[len(tail)-5:]) {
		return fmt.Errorf("segment %s: the list of checksums does not match its own: %w", b.file.Name(), index.ErrCorrupt)
	}
	return nil
}

// close unmaps the file.
func (b *blocks) close() error {
	if b.file == nil {
		return nil
	}
	var err error
	if b.data != nil {
		err = unmapFile(b.data)
	}
	return errors.Join(err, b.file.Close())
}
