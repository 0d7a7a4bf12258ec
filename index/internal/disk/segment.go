package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"engram/index"
	"engram/index/internal/column"
)

// Segment is an immutable set of rows with their payloads: a file that is
// mapped into memory, or rows in memory that no file has yet (see Builder).
type Segment struct {
	column.Rows
	ends     []uint64 // payload i is payloads[ends[i-1]:ends[i]]
	payloads []byte

	// Of a file only.
	file   *os.File
	data   []byte // the mapped file
	layout layout
}

// Ref names a row of a segment in memory or on disk.
type Ref struct {
	Segment *Segment
	Row     int
}

// ID returns the id of the row.
func (r Ref) ID() index.ID { return r.Segment.IDs[r.Row] }

// OpenSegment maps the file at path. It checks the header, the size of the
// file and all that a wrong value of could lead a reader astray: ids, payload
// ends, scales and residuals, and the list of checksums itself. Codes, vectors
// and payloads are checked when an item is read (Item, Payload), and all
// together by Verify; a scan and a Chooser do not check what they read.
//
// The file must not be changed or truncated while it is open: a read beyond
// the end of a mapped file ends the process. ErrCorrupt marks damage.
func OpenSegment(path string) (*Segment, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errors.New("index files are little endian, this machine is not")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Segment{file: file}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("segment %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Segment) open() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	var first [headerSize]byte
	if n, err := s.file.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("the header ends after %d bytes: %w", n, errors.Join(index.ErrCorrupt, err))
	}
	h, err := parseHeader(first[:])
	if err != nil {
		return err
	}
	if s.layout, err = h.layout(); err != nil {
		return err
	}
	if info.Size() != s.layout.total {
		return fmt.Errorf("%d rows of %d elements and %d bytes of payloads take up %d bytes, the file has %d: %w",
			h.rows, h.dim, h.payload, s.layout.total, info.Size(), index.ErrCorrupt)
	}
	if s.data, err = mapFile(s.file, int(s.layout.total)); err != nil {
		return fmt.Errorf("mapping it: %w", err)
	}
	s.view(h)
	return s.checkColumns()
}

// view points the columns into the map. Sections begin at multiples of
// BlockSize and so are aligned.
func (s *Segment) view(h header) {
	section := func(i int) []byte { return s.data[s.layout.start[i]:][:s.layout.size[i]] }
	s.Rows = column.Rows{
		Dim:       h.dim,
		IDs:       viewAs[index.ID](section(secIDs)),
		Vectors:   viewAs[float32](section(secVectors)),
		Codes:     viewAs[int8](section(secCodes)),
		Scales:    viewAs[float32](section(secScales)),
		Residuals: viewAs[float32](section(secResiduals)),
	}
	s.ends = viewAs[uint64](section(secEnds))
	s.payloads = section(secPayloads)
}

// viewAs views bytes, which are not none, as numbers.
func viewAs[T int8 | uint64 | float32 | index.ID](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(t)))
}

// checkColumns makes sure that no row can lead outside the map.
func (s *Segment) checkColumns() error {
	sums := s.data[s.layout.sums:]
	if checksum(sums[:len(sums)-4]) != binary.LittleEndian.Uint32(sums[len(sums)-4:]) {
		return fmt.Errorf("the list of checksums does not match its own: %w", index.ErrCorrupt)
	}
	for _, i := range []int{secHeader, secIDs, secEnds, secScales, secResiduals} {
		if err := s.check(s.layout.start[i], s.layout.size[i]); err != nil {
			return err
		}
	}
	end := uint64(0)
	for i, id := range s.IDs {
		if i > 0 && id <= s.IDs[i-1] {
			return fmt.Errorf("id %d follows id %d: %w", id, s.IDs[i-1], index.ErrCorrupt)
		}
		if s.ends[i] < end {
			return fmt.Errorf("payload %d ends before it begins: %w", i, index.ErrCorrupt)
		}
		end = s.ends[i]
	}
	if end != uint64(len(s.payloads)) {
		return fmt.Errorf("payloads end at %d of %d bytes: %w", end, len(s.payloads), index.ErrCorrupt)
	}
	return nil
}

// check compares the blocks that hold size bytes from start with their
// checksums. Rows in memory have none.
func (s *Segment) check(start, size int64) error {
	if s.data == nil || size == 0 {
		return nil
	}
	for block := start / BlockSize; block*BlockSize < start+size; block++ {
		if checksum(s.data[block*BlockSize:][:BlockSize]) != s.sum(block) {
			return s.damaged(block)
		}
	}
	return nil
}

func (s *Segment) sum(block int64) uint32 {
	return binary.LittleEndian.Uint32(s.data[s.layout.sums+4*block:])
}

func (s *Segment) damaged(block int64) error {
	return fmt.Errorf("segment %s: bytes %d to %d do not match their checksum: %w",
		s.file.Name(), block*BlockSize, (block+1)*BlockSize, index.ErrCorrupt)
}

// Verify reads the whole file and compares every block with its checksum. It
// reads through the file and not the map, so that a bad sector is an error and
// not a fault.
func (s *Segment) Verify(ctx context.Context) error {
	if s.file == nil {
		return nil
	}
	const chunk = 256 // blocks, 1 MiB
	buf := make([]byte, chunk*BlockSize)
	for block := int64(0); block < s.layout.blocks; block += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, s.layout.blocks-block)
		if _, err := s.file.ReadAt(buf[:n*BlockSize], block*BlockSize); err != nil {
			return fmt.Errorf("segment %s: %w", s.file.Name(), errors.Join(index.ErrCorrupt, err))
		}
		for i := range n {
			if checksum(buf[i*BlockSize:][:BlockSize]) != s.sum(block+i) {
				return s.damaged(block + i)
			}
		}
	}
	tail := make([]byte, s.layout.total-s.layout.sums+1)
	if n, err := s.file.ReadAt(tail, s.layout.sums); err != io.EOF || n != len(tail)-1 {
		return fmt.Errorf("segment %s: its end was read as %d of %d bytes: %w",
			s.file.Name(), n, len(tail)-1, errors.Join(index.ErrCorrupt, err))
	}
	if sums := tail[:len(tail)-5]; checksum(sums) != binary.LittleEndian.Uint32(tail[len(tail)-5:]) {
		return fmt.Errorf("segment %s: the list of checksums does not match its own: %w", s.file.Name(), index.ErrCorrupt)
	}
	return nil
}

// Bytes is the memory that the columns take up, or the size of the file.
func (s *Segment) Bytes() int {
	if s.data != nil {
		return len(s.data)
	}
	return len(s.IDs)*RowSizes(s.Dim).Total() + cap(s.payloads)
}

// payload returns the encoded payload of row i, not checked. Damage done to a
// file after it was opened can show here first.
func (s *Segment) payload(i int) ([]byte, error) {
	start, end := uint64(0), s.ends[i]
	if i > 0 {
		start = s.ends[i-1]
	}
	if start > end || end > uint64(len(s.payloads)) {
		return nil, fmt.Errorf("payload %d lies at %d to %d of %d bytes: %w", i, start, end, len(s.payloads), index.ErrCorrupt)
	}
	return s.payloads[start:end], nil
}

// Payload returns the payload of row i after checking the blocks it lies in.
func (s *Segment) Payload(i int) (index.Payload, error) {
	b, err := s.payload(i)
	if err != nil {
		return nil, err
	}
	start := s.layout.start[secPayloads] + int64(s.ends[i]) - int64(len(b))
	if err := s.check(start, int64(len(b))); err != nil {
		return nil, err
	}
	return DecodePayload(b)
}

// Item returns a copy of row i after checking the blocks it lies in.
func (s *Segment) Item(i int) (index.Item, error) {
	stride := int64(4 * column.VectorStride(s.Dim))
	if err := s.check(s.layout.start[secVectors]+int64(i)*stride, stride); err != nil {
		return index.Item{}, err
	}
	payload, err := s.Payload(i)
	if err != nil {
		return index.Item{}, err
	}
	return index.Item{ID: s.IDs[i], Vector: append([]float32(nil), s.Vector(i)...), Payload: payload}, nil
}

// Close unmaps the file. The rows must not be used afterwards.
func (s *Segment) Close() error {
	if s.file == nil {
		return nil
	}
	var err error
	if s.data != nil {
		err = unmapFile(s.data)
	}
	return errors.Join(err, s.file.Close())
}
