package disk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"engram/index"
	"engram/index/internal/column"
)

// Segment is an immutable set of rows with their payloads: a file that is
// mapped into memory, or rows in memory that no file has yet (see Builder).
type Segment struct {
	column.Rows
	order    []uint32 // the rows in ascending order of id; nil: they lie in that order
	ends     []uint64 // payload i is payloads[ends[i-1]:ends[i]]
	payloads []byte

	blocks // of a file only
	layout layout
	tokens tokenRows
	graph  storedGraph
	fields fieldIndexes
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
	s := &Segment{blocks: blocks{file: file}}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("segment %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Segment) open() error {
	if err := s.openMap(); err != nil {
		return err
	}
	return s.checkColumns()
}

// openMap maps the file and checks its header and size, and no more.
func (s *Segment) openMap() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	var first [headerSize]byte
	if n, err := s.file.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("the header ends after %d bytes: %w: %w", n, err, index.ErrCorrupt)
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
	if err := s.mapBlocks(s.layout.sums, s.layout.total); err != nil {
		return err
	}
	s.view(h)
	return nil
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
	s.Read, s.Check = s.readVector, s.checkRow
	s.ends = viewAs[uint64](section(secEnds))
	s.payloads = section(secPayloads)
	advisePages(s.data[s.layout.start[secCodes]:s.layout.start[secVectors]], s.data[s.layout.start[secVectors]:])
}

// viewAs views bytes, which are not none, as numbers.
func viewAs[T int8 | uint32 | uint64 | float32 | index.ID](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(t)))
}

// readVector reads the vector of a row through the file. It is not checked.
func (s *Segment) readVector(dst []float32, row int) error {
	at := s.layout.start[secVectors] + int64(row)*4*int64(column.VectorStride(s.Dim))
	if err := readAt(s.file, bytesOf(dst), at); err != nil {
		return fmt.Errorf("segment %s: the vector of row %d: %w: %w", s.file.Name(), row, err, index.ErrCorrupt)
	}
	return nil
}

// checkRow compares the blocks of a row's code and vector with their checksums.
func (s *Segment) checkRow(row int) error {
	for _, section := range []int{secCodes, secVectors} {
		size := s.layout.size[section] / int64(len(s.IDs))
		if err := s.check(s.layout.start[section]+int64(row)*size, size); err != nil {
			return err
		}
	}
	return nil
}

// CheckPayload compares the blocks of the payload of row i with their checksums.
func (s *Segment) CheckPayload(i int) error {
	_, err := s.checkedPayload(i)
	return err
}

// checkColumns makes sure that no row can lead outside the map.
func (s *Segment) checkColumns() error {
	if err := s.checkSums(); err != nil {
		return err
	}
	for _, i := range []int{secHeader, secIDs, secEnds, secScales, secResiduals} {
		if err := s.compare(s.layout.start[i], s.layout.size[i]); err != nil {
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

// Verify reads the files of the segment and compares every block with its checksum.
func (s *Segment) Verify(ctx context.Context) error {
	return errors.Join(s.VerifyRows(ctx), s.VerifyGraph(ctx), s.VerifyIndexes(ctx))
}

// VerifyGraph is Verify of the graph alone.
func (s *Segment) VerifyGraph(ctx context.Context) error {
	return errors.Join(s.graph.verify(ctx), s.graph.damage)
}

// VerifyIndexes is Verify of the field indexes alone.
func (s *Segment) VerifyIndexes(ctx context.Context) error { return s.fields.verify(ctx) }

// VerifyRows is Verify without the graph and the field indexes, which are made from the
// rows.
func (s *Segment) VerifyRows(ctx context.Context) error {
	return errors.Join(s.verify(ctx), s.tokens.verify(ctx))
}

// Bytes is the memory that the columns take up, or the size of the files.
func (s *Segment) Bytes() int {
	if s.data != nil {
		return len(s.data) + len(s.tokens.data) + len(s.graph.data) + len(s.fields.data)
	}
	links := 0
	if s.graph.Graph != nil {
		links = 4 * len(s.graph.Links)
	}
	return len(s.IDs)*RowSizes(s.Dim).Total() + cap(s.payloads) + cap(s.tokens.rows) + links
}

// Written is the size of the rows in the files of a segment, in bytes, without
// headers, checksums and padding.
func (s *Segment) Written() int {
	return len(s.IDs)*RowSizes(s.Dim).Total() + len(s.payloads) + len(s.tokens.rows)
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
	b, err := s.checkedPayload(i)
	if err != nil {
		return nil, err
	}
	return DecodePayload(b)
}

// checkedPayload returns the encoded payload of row i after checking the blocks it
// lies in.
func (s *Segment) checkedPayload(i int) ([]byte, error) {
	b, err := s.payload(i)
	if err != nil {
		return nil, err
	}
	return b, s.check(s.layout.start[secPayloads]+int64(s.ends[i])-int64(len(b)), int64(len(b)))
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

// Same reports whether both are of one file, and not of files that had one name after
// the other.
func (s *Segment) Same(other *Segment) bool {
	if s.file == nil || other.file == nil {
		return false
	}
	a, err := s.file.Stat()
	if err != nil {
		return false
	}
	b, err := other.file.Stat()
	return err == nil && os.SameFile(a, b)
}

// Close unmaps the files. The rows must not be used afterwards.
func (s *Segment) Close() error {
	return errors.Join(s.close(), s.tokens.close(), s.graph.close(), s.fields.close())
}
