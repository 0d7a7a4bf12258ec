package disk

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"

	"engram/index"
	"engram/index/internal/bitmap"
)

// FieldsName is the file name of the field indexes with a number.
func FieldsName(number uint64) string { return fmt.Sprintf("%016x.fld", number) }

const fieldsMagic = "engram\x00F"

// maxFields bounds the indexes of a segment, and maxDirectory the bytes of their list.
const (
	maxFields    = 1024
	maxDirectory = 16 << 20
)

// fieldIndexes are the indexes of payload fields that lie in a file.
type fieldIndexes struct {
	blocks
	list   []*storedIndex
	damage error // that made the file of no use
}

// storedIndex is one of them. It is checked and parsed when it is first asked for.
type storedIndex struct {
	field       bitmap.Field
	start, size int64
	once        sync.Once
	index       *bitmap.Index
}

// EncodedIndex is an index of a field of a segment as it is stored.
type EncodedIndex struct {
	Field bitmap.Field
	Bytes []byte
}

// EncodeIndexes makes the indexes of fields of rows, in one pass over their payloads.
// done is asked now and then; its error ends the work.
func EncodeIndexes(fields []bitmap.Field, rows []Ref, done func() error) ([]EncodedIndex, error) {
	keys, values := make([]string, 0, len(fields)), index.Payload{}
	builders := make([]*bitmap.Builder, len(fields))
	for i, f := range fields { // in ascending order of their keys
		builders[i] = bitmap.NewBuilder(f)
		if n := len(keys); n == 0 || keys[n-1] != f.Key {
			keys = append(keys, f.Key)
		}
	}
	for i, r := range rows {
		if i%chooseRows == 0 {
			if err := done(); err != nil {
				return nil, err
			}
		}
		b, err := r.Segment.checkedPayload(r.Row)
		if err == nil {
			err = viewFields(b, keys, values)
		}
		if err != nil {
			return nil, err
		}
		for i, f := range fields {
			builders[i].Add(values[f.Key])
		}
	}
	made := make([]EncodedIndex, len(fields))
	for i, f := range fields {
		var err error
		if made[i] = (EncodedIndex{Field: f}); err == nil {
			made[i].Bytes, err = builders[i].Encode()
		}
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// chooseRows is how many payloads are read between two questions whether to go on.
const chooseRows = 4096

// WriteIndexes writes the indexes of a segment of rows rows.
func WriteIndexes(w io.Writer, rows int, indexes []EncodedIndex) error {
	var directory []byte
	for _, x := range indexes {
		directory = appendString(directory, x.Field.Key)
		directory = appendString(directory, string(x.Field.Kind))
		directory = binary.LittleEndian.AppendUint64(directory, uint64(len(x.Bytes)))
	}
	if len(indexes) > maxFields || len(directory) > maxDirectory {
		return fmt.Errorf("%d indexes of payload keys of %d bytes together, wanted %d and %d at most", len(indexes), len(directory), maxFields, maxDirectory)
	}
	out := &blockWriter{w: w}
	h := append(make([]byte, 0, headerSize), fieldsMagic...)
	h = binary.LittleEndian.AppendUint32(h, Version)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(indexes)))
	h = binary.LittleEndian.AppendUint64(h, uint64(rows))
	h = binary.LittleEndian.AppendUint64(h, uint64(len(directory)))
	h = append(h, make([]byte, headerSize-4-len(h))...)
	out.Write(binary.LittleEndian.AppendUint32(h, checksum(h)))
	out.Write(directory)
	out.pad()
	for _, x := range indexes {
		out.Write(x.Bytes)
		out.pad()
	}
	return out.finish()
}

// OpenIndexes maps the file of the indexes of the segment's fields. It checks header,
// directory, size and the list of checksums; an index is checked when it is first
// asked for (Index), and all together by Verify. ErrCorrupt marks damage, and
// fs.ErrNotExist that there is no file: filters can read payloads instead, and Verify
// reports it again.
func (s *Segment) OpenIndexes(path string) error {
	file, err := os.Open(path)
	if err != nil {
		s.fields = fieldIndexes{damage: missing(fmt.Errorf("field indexes: %w", err))}
		return err
	}
	s.fields = fieldIndexes{blocks: blocks{file: file}}
	if err := s.fields.open(len(s.IDs)); err != nil {
		err = errors.Join(fmt.Errorf("field indexes %s: %w", path, err), s.fields.close())
		s.fields = fieldIndexes{damage: err} // closed: Close has nothing to close once more
		return err
	}
	return nil
}

// verify is blocks.verify, and returns the damage that made the file of no use.
func (f *fieldIndexes) verify(ctx context.Context) error {
	return cmp.Or(f.damage, f.blocks.verify(ctx))
}

func (f *fieldIndexes) open(rows int) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	var first [headerSize]byte
	if n, err := f.file.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("the header ends after %d bytes: %w: %w", n, err, index.ErrCorrupt)
	}
	count, size, err := parseFieldsHeader(first[:], rows)
	if err != nil {
		return err
	}
	directory := make([]byte, min(int64(size), info.Size()))
	if _, err := f.file.ReadAt(directory, headerSize); err != nil {
		return fmt.Errorf("its directory of %d bytes cannot be read: %w: %w", size, err, index.ErrCorrupt)
	}
	sums, err := f.parseDirectory(directory, count)
	if err != nil {
		return err
	}
	total := sums + SumSize*(sums/BlockSize) + SumSize
	if info.Size() != total {
		return fmt.Errorf("its indexes take up %d bytes, the file has %d: %w", total, info.Size(), index.ErrCorrupt)
	}
	if err := f.mapBlocks(sums, total); err != nil {
		return err
	}
	if err := f.checkSums(); err != nil {
		return err
	}
	return f.compare(0, headerSize+int64(size))
}

// parseFieldsHeader returns how many indexes there are and the size of their
// directory. It refuses the header of another number of rows.
func parseFieldsHeader(b []byte, rows int) (count, directory int, err error) {
	if string(b[:len(fieldsMagic)]) != fieldsMagic {
		return 0, 0, fmt.Errorf("it does not begin as field indexes do: %w", index.ErrCorrupt)
	}
	if checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return 0, 0, fmt.Errorf("its header does not match its checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < 4 || v > Version {
		return 0, 0, versionError(int(v))
	}
	count, size := int(binary.LittleEndian.Uint32(b[12:])), binary.LittleEndian.Uint64(b[24:])
	if n := binary.LittleEndian.Uint64(b[16:]); n != uint64(rows) || count > maxFields || size > maxDirectory {
		return 0, 0, fmt.Errorf("it has %d indexes of %d rows listed in %d bytes, wanted %d rows: %w", count, n, size, rows, index.ErrCorrupt)
	}
	return count, int(size), nil
}

// parseDirectory lists the indexes, and returns where the last one ends.
func (f *fieldIndexes) parseDirectory(b []byte, count int) (end int64, err error) {
	blocksOf := func(size int64) int64 { return (size + BlockSize - 1) / BlockSize * BlockSize }
	end = blocksOf(headerSize + int64(len(b)))
	d := decoder{rest: b}
	for range count {
		x := &storedIndex{field: bitmap.Field{Key: d.string(), Kind: bitmap.Kind(d.string())}, start: end}
		if size := d.bytes(8); !d.bad {
			x.size = int64(binary.LittleEndian.Uint64(size))
		}
		if d.bad || x.field.Check() != nil || x.size < 0 || x.size > math.MaxInt/4-end {
			return 0, fmt.Errorf("its directory of %d bytes does not decode: %w", len(b), index.ErrCorrupt)
		}
		end += blocksOf(x.size)
		f.list = append(f.list, x)
	}
	if len(d.rest) != 0 {
		return 0, fmt.Errorf("its directory of %d bytes goes on after %d indexes: %w", len(b), count, index.ErrCorrupt)
	}
	return end, nil
}

// Fields returns the fields that the segment's file has indexes of, in its order.
func (s *Segment) Fields() []bitmap.Field {
	var fields []bitmap.Field
	for _, x := range s.fields.list {
		fields = append(fields, x.field)
	}
	return fields
}

// IndexSize returns how many bytes the index of a field has in the segment's file.
func (s *Segment) IndexSize(field bitmap.Field) int64 {
	for _, x := range s.fields.list {
		if x.field == field {
			return x.size
		}
	}
	return 0
}

// Index returns the index of a field, nil where the segment's file has none that is
// whole. The first call for a field compares it with its checksums.
func (s *Segment) Index(field bitmap.Field) *bitmap.Index {
	for _, x := range s.fields.list {
		if x.field != field {
			continue
		}
		x.once.Do(func() {
			if s.fields.check(x.start, x.size) != nil {
				return // Verify says so
			}
			if parsed, err := bitmap.Parse(field, len(s.IDs), s.fields.data[x.start:][:x.size]); err == nil {
				x.index = parsed
			}
		})
		return x.index
	}
	return nil
}
