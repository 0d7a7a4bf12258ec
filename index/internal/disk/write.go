package disk

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"engram/index/internal/column"
)

// WriteSegment writes rows as a segment: one row or more, of one dimension, in
// strictly ascending order of id. The caller has verified segments on disk that
// rows come from, so that damage does not get a fresh checksum.
func WriteSegment(w io.Writer, rows []Ref) error {
	h := header{dim: rows[0].Segment.Dim, rows: len(rows)}
	payloads, ends := make([][]byte, len(rows)), make([]uint64, len(rows))
	for i, r := range rows {
		var err error
		if payloads[i], err = r.Segment.payload(r.Row); err != nil {
			return err
		}
		h.payload += len(payloads[i])
		ends[i] = uint64(h.payload)
	}
	l, err := h.layout()
	if err != nil {
		return err
	}
	out := &blockWriter{w: w, sums: make([]byte, 0, 4*l.blocks+4)}
	out.Write(h.append(nil))
	out.pad()
	for _, r := range rows {
		out.uint64(uint64(r.ID()))
	}
	out.pad()
	for _, end := range ends {
		out.uint64(end)
	}
	out.pad()
	runs := runsOf(rows)
	stride := column.CodeStride(h.dim)
	for _, r := range runs {
		out.Write(bytesOf(r.Segment.Codes[r.Row*stride:][:r.rows*stride]))
	}
	out.pad()
	for _, r := range runs {
		out.Write(bytesOf(r.Segment.Scales[r.Row:][:r.rows]))
	}
	out.pad()
	for _, r := range runs {
		out.Write(bytesOf(r.Segment.Residuals[r.Row:][:r.rows]))
	}
	out.pad()
	stride = column.VectorStride(h.dim)
	for _, r := range runs {
		out.Write(bytesOf(r.Segment.Vectors[r.Row*stride:][:r.rows*stride]))
	}
	out.pad()
	for _, p := range payloads {
		out.Write(p)
	}
	out.pad()
	if out.err == nil && out.written != l.sums {
		return fmt.Errorf("wrote %d bytes of a segment, planned %d", out.written, l.sums)
	}
	return out.finish()
}

// run is rows that lie one after another in a segment.
type run struct {
	Ref
	rows int
}

// runsOf puts rows together into runs.
func runsOf(rows []Ref) []run {
	var runs []run
	for _, r := range rows {
		if n := len(runs); n > 0 && runs[n-1].Segment == r.Segment && runs[n-1].Row+runs[n-1].rows == r.Row {
			runs[n-1].rows++
		} else {
			runs = append(runs, run{r, 1})
		}
	}
	return runs
}

// bytesOf views numbers as the bytes that they are in memory.
func bytesOf[T int8 | uint32 | float32](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// blockWriter writes to w and keeps the checksum of every block. The first
// error stays in err and ends the writing.
type blockWriter struct {
	w       io.Writer
	block   [BlockSize]byte
	fill    int
	written int64
	sums    []byte
	err     error
}

func (b *blockWriter) Write(p []byte) {
	for len(p) > 0 && b.err == nil {
		if whole := len(p) / BlockSize * BlockSize; b.fill == 0 && whole > 0 {
			b.writeBlocks(p[:whole])
			p = p[whole:]
			continue
		}
		n := copy(b.block[b.fill:], p)
		p = p[n:]
		b.fill += n
		if b.fill == BlockSize {
			b.flush()
		}
	}
}

func (b *blockWriter) uint64(v uint64) {
	b.Write(binary.LittleEndian.AppendUint64(make([]byte, 0, 8), v))
}

// pad fills the block with zeros.
func (b *blockWriter) pad() {
	if b.fill > 0 {
		clear(b.block[b.fill:])
		b.flush()
	}
}

func (b *blockWriter) flush() {
	b.writeBlocks(b.block[:])
	b.fill = 0
}

// writeBlocks writes whole blocks.
func (b *blockWriter) writeBlocks(p []byte) {
	_, b.err = b.w.Write(p)
	b.written += int64(len(p))
	for ; len(p) > 0; p = p[BlockSize:] {
		b.sums = binary.LittleEndian.AppendUint32(b.sums, checksum(p[:BlockSize]))
	}
}

// finish writes the checksums, which follow the last block.
func (b *blockWriter) finish() error {
	if b.err != nil {
		return b.err
	}
	_, err := b.w.Write(binary.LittleEndian.AppendUint32(b.sums, checksum(b.sums)))
	return err
}
