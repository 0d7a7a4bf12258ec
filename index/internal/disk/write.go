package disk

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unsafe"

	"engram/index/flat"
)

// WriteSegment writes rows, of which there is at least one, in strictly
// ascending order of id and of one dimension, as a segment. Sources on disk
// are expected to have passed Verify, so that damage does not get a fresh
// checksum.
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
	writeCodes(out, rows)
	for _, r := range rows {
		v := r.Segment.Vectors[r.Row*flat.VectorStride(h.dim):][:flat.VectorStride(h.dim)]
		out.Write(bytesOf(v))
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

// writeCodes writes the codes, scales and residuals, taking over those that
// are there.
func writeCodes(out *blockWriter, rows []Ref) {
	dim := rows[0].Segment.Dim
	stride := flat.CodeStride(dim)
	fresh := make([]int8, stride)
	scales, residuals := make([]float32, len(rows)), make([]float32, len(rows))
	for i, r := range rows {
		if s := r.Segment; s.Codes != nil {
			scales[i], residuals[i] = s.Scales[r.Row], s.Residuals[r.Row]
			out.Write(bytesOf(s.Codes[r.Row*stride:][:stride]))
			continue
		}
		scales[i], residuals[i] = flat.Quantise(fresh[:dim], r.Segment.Vector(r.Row))
		out.Write(bytesOf(fresh))
	}
	out.pad()
	for _, x := range scales {
		out.uint32(math.Float32bits(x))
	}
	out.pad()
	for _, x := range residuals {
		out.uint32(math.Float32bits(x))
	}
	out.pad()
}

// bytesOf views numbers as the bytes that they are in memory.
func bytesOf[T int8 | float32](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// blockWriter writes to w and keeps the checksum of every block. The first
// error stays in err and ends the writing.
type blockWriter struct {
	w       io.Writer
	block   [blockSize]byte
	fill    int
	written int64
	sums    []byte
	err     error
}

func (b *blockWriter) Write(p []byte) {
	for len(p) > 0 && b.err == nil {
		n := copy(b.block[b.fill:], p)
		p = p[n:]
		b.fill += n
		if b.fill == blockSize {
			b.flush()
		}
	}
}

func (b *blockWriter) uint32(v uint32) {
	b.Write(binary.LittleEndian.AppendUint32(make([]byte, 0, 4), v))
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
	b.sums = binary.LittleEndian.AppendUint32(b.sums, checksum(b.block[:]))
	_, b.err = b.w.Write(b.block[:])
	b.written += blockSize
	b.fill = 0
}

// finish writes the checksums, which follow the last block.
func (b *blockWriter) finish() error {
	if b.err != nil {
		return b.err
	}
	_, err := b.w.Write(binary.LittleEndian.AppendUint32(b.sums, checksum(b.sums)))
	return err
}
