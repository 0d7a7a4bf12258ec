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
// checksums. Rows in memory have none. The error names the file.
func (b *blocks) check(start, size int64) error { return b.named(b.compare(start, size)) }

// compare is check for callers who name the file themselves.
func (b *blocks) compare(start, size int64) error {
	if b.data == nil || size == 0 {
		return nil
	}
	for block := start / BlockSize; block*BlockSize < start+size; block++ {
		if checksum(b.data[block*BlockSize:][:BlockSize]) != b.sum(block) {
			return damaged(block)
		}
	}
	return nil
}

func (b *blocks) sum(block int64) uint32 {
	return binary.LittleEndian.Uint32(b.data[b.sums+4*block:])
}

// damaged is the error of a block that does not match its checksum.
func damaged(block int64) error {
	return fmt.Errorf("bytes %d to %d do not match their checksum: %w", block*BlockSize, (block+1)*BlockSize, index.ErrCorrupt)
}

// named adds the name of the file to an error.
func (b *blocks) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("segment %s: %w", b.file.Name(), err)
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
			return b.named(fmt.Errorf("%w: %w", err, index.ErrCorrupt))
		}
		for i := range n {
			if checksum(buf[i*BlockSize:][:BlockSize]) != b.sum(block+i) {
				return b.named(damaged(block + i))
			}
		}
	}
	return b.verifySums()
}

// verifySums is checkSums through the file.
func (b *blocks) verifySums() error {
	tail := make([]byte, int64(len(b.data))-b.sums+1)
	if n, err := b.file.ReadAt(tail, b.sums); !errors.Is(err, io.EOF) || n != len(tail)-1 {
		if err == nil {
			err = errors.New("it has become longer")
		}
		return b.named(fmt.Errorf("its end was read as %d of %d bytes: %w: %w", n, len(tail)-1, err, index.ErrCorrupt))
	}
	if sums := tail[:len(tail)-5]; checksum(sums) != binary.LittleEndian.Uint32(tail[len(tail)-5:]) {
		return b.named(fmt.Errorf("the list of checksums does not match its own: %w", index.ErrCorrupt))
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
