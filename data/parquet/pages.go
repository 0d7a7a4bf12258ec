package parquet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"slices"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	meta "github.com/parquet-go/parquet-go/format"
)

const (
	// maxPage bounds a page, in bytes. Writers aim at one MiB; a page is more
	// only where a single value is.
	maxPage = 1 << 28
	// maxLevels bounds the values of a page: as runs they take no room in it.
	maxLevels = 1 << 26
)

// pages steps through the pages of a column in a row group. A page has one
// level per value, null or not, and a value for every level that says so. Its
// buffers are used again for the next one.
type pages struct {
	place
	codec   codec
	kind    meta.CompressionCodec
	section *io.SectionReader // of the file
	source  *bufio.Reader     // of section
	headers *thrift.Decoder   // of source

	dictionary  *dictionary
	indexed     bool // the page has numbers of entries of the dictionary
	indexes     []int32
	values      encoding.Values // where it is not indexed
	definitions []byte          // empty where no value can be null
	repetitions []byte          // empty where no value can repeat
	levels      int             // of the page
	level       int             // the next one
	value       int             // the next one

	raw, plain, decoded []byte
	offsets             []uint32
}

// dictionary is the distinct values of a column in a row group.
type dictionary struct {
	values encoding.Values
	len    int
}

// pages starts before the first page of a column in a row group.
func (f *File) pages(group int, at place) pages {
	chunk := &f.table.Metadata().RowGroups[group].Columns[at.leaf].MetaData
	start := chunk.DataPageOffset
	if chunk.DictionaryPageOffset != 0 {
		start = min(start, chunk.DictionaryPageOffset)
	}
	section := io.NewSectionReader(f.file, start, chunk.TotalCompressedSize)
	source := bufio.NewReaderSize(section, int(min(readBuffer, max(chunk.TotalCompressedSize, 1))))
	return pages{
		place: at, codec: f.codec, kind: chunk.Codec,
		section: section, source: source, headers: thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(source)),
	}
}

// need loads the next page where the current one is finished; rows that the
// row group has must have values.
func (p *pages) need() error {
	if p.level < p.levels {
		return nil
	}
	err := p.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the column ends before the row group does: %w", ErrCorrupt)
	}
	return err
}

// next loads the next page that has levels. It returns io.EOF behind the last.
func (p *pages) next() error {
	p.levels, p.level, p.value = 0, 0, 0
	for p.levels == 0 {
		header, err := p.read()
		if err != nil {
			return err
		}
		switch {
		case header.Type == meta.DictionaryPage && header.DictionaryPageHeader.Valid:
			err = p.readDictionary(header)
		case header.Type == meta.DataPage && header.DataPageHeader.Valid:
			err = p.readVersion1(header)
		case header.Type == meta.DataPageV2 && header.DataPageHeaderV2.Valid:
			err = p.readVersion2(header)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads a page's header, and what follows it to p.raw.
func (p *pages) read() (*meta.PageHeader, error) {
	if _, err := p.source.Peek(1); err != nil {
		return nil, err
	}
	header := &meta.PageHeader{}
	if err := p.headers.Decode(header); err != nil {
		return nil, fmt.Errorf("page header: %w: %w", err, ErrCorrupt)
	}
	at, err := p.section.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	rest := p.section.Size() - at + int64(p.source.Buffered())
	size, plain := int64(header.CompressedPageSize), int64(header.UncompressedPageSize)
	if size < 0 || size > rest || plain < 0 || plain > maxPage {
		return nil, fmt.Errorf("page of %d bytes, %d when uncompressed: wanted at most %d and %d: %w", size, plain, rest, maxPage, ErrCorrupt)
	}
	p.raw = resize(p.raw, int(size))
	if _, err := io.ReadFull(p.source, p.raw); err != nil {
		return nil, fmt.Errorf("page: %w: %w", err, ErrCorrupt)
	}
	if sum := crc32.ChecksumIEEE(p.raw); header.CRC != 0 && uint32(header.CRC) != sum {
		return nil, fmt.Errorf("page has the checksum %08x, wanted %08x: %w", sum, uint32(header.CRC), ErrCorrupt)
	}
	return header, nil
}

// resize returns a slice of n elements, b's where it is large enough.
func resize[T any](b []T, n int) []T { return slices.Grow(b[:0], n)[:n] }

// decompress returns the bytes of size that raw was before its compression.
func (p *pages) decompress(raw []byte, size int) ([]byte, error) {
	if p.kind == meta.Uncompressed {
		return raw, nil
	}
	p.plain = resize(p.plain, size)
	return p.codec.decompress(p.kind, p.plain, raw)
}

func (p *pages) readDictionary(header *meta.PageHeader) error {
	plain, err := p.decompress(p.raw, int(header.UncompressedPageSize))
	if err != nil {
		return err
	}
	n := int(header.DictionaryPageHeader.V.NumValues)
	if n < 0 || n > len(plain) {
		return fmt.Errorf("a dictionary of %d values has %d bytes: %w", n, len(plain), ErrCorrupt)
	}
	values, err := p.typ.Decode(p.typ.NewValues(make([]byte, 0, len(plain)), nil), plain, &format.Plain)
	if err != nil {
		return fmt.Errorf("dictionary: %w: %w", err, ErrCorrupt)
	}
	p.dictionary = &dictionary{values, n}
	return nil
}

// readVersion1 reads a page whose levels are compressed with the values, each
// kind behind its length.
func (p *pages) readVersion1(header *meta.PageHeader) error {
	h := &header.DataPageHeader.V
	plain, err := p.decompress(p.raw, int(header.UncompressedPageSize))
	if err != nil {
		return err
	}
	n := int(h.NumValues)
	if p.element > 0 {
		if p.repetitions, plain, err = prefixedLevels(p.repetitions, plain, n, 1, h.RepetitionLevelEncoding); err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
	}
	if p.max > 0 {
		if p.definitions, plain, err = prefixedLevels(p.definitions, plain, n, bits.Len8(p.max), h.DefinitionLevelEncoding); err != nil {
			return fmt.Errorf("definition levels: %w", err)
		}
	}
	return p.setValues(h.Encoding, plain, n)
}

// readVersion2 reads a page whose levels lie in front, uncompressed.
func (p *pages) readVersion2(header *meta.PageHeader) error {
	h := &header.DataPageHeaderV2.V
	n, repetitions, definitions := int(h.NumValues), int(h.RepetitionLevelsByteLength), int(h.DefinitionLevelsByteLength)
	if repetitions < 0 || definitions < 0 || repetitions+definitions > min(len(p.raw), int(header.UncompressedPageSize)) {
		return fmt.Errorf("levels of %d and %d bytes in a page of %d: %w", repetitions, definitions, len(p.raw), ErrCorrupt)
	}
	var err error
	if p.element > 0 {
		if p.repetitions, err = readLevels(p.repetitions, p.raw[:repetitions], n, 1); err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
	}
	if p.max > 0 {
		if p.definitions, err = readLevels(p.definitions, p.raw[repetitions:repetitions+definitions], n, bits.Len8(p.max)); err != nil {
			return fmt.Errorf("definition levels: %w", err)
		}
	}
	plain := p.raw[repetitions+definitions:]
	if compressed := !h.IsCompressed.Valid || h.IsCompressed.V; compressed && len(plain) > 0 {
		if plain, err = p.decompress(plain, int(header.UncompressedPageSize)-repetitions-definitions); err != nil {
			return err
		}
	}
	return p.setValues(h.Encoding, plain, n)
}

// setValues decodes the values of a page with n levels.
func (p *pages) setValues(enc meta.Encoding, plain []byte, n int) error {
	present := n
	if p.max > 0 {
		present = bytes.Count(p.definitions, []byte{p.max})
	}
	p.indexed = present > 0 && (enc == meta.PlainDictionary || enc == meta.RLEDictionary) //nolint:staticcheck // nobody should write PlainDictionary any more, files have it
	var err error
	switch {
	case n < 0 || n > maxLevels:
		return fmt.Errorf("a page of %d values: wanted at most %d: %w", n, maxLevels, ErrCorrupt)
	case p.indexed && p.dictionary == nil:
		return fmt.Errorf("a page refers to a dictionary, there is none: %w", ErrCorrupt)
	case p.indexed:
		p.indexes, err = readIndexes(p.indexes, plain, present)
	case present > 0:
		err = p.decodeValues(format.LookupEncoding(enc), plain, present)
	}
	if err != nil {
		return fmt.Errorf("values in %s: %w: %w", enc, err, ErrCorrupt)
	}
	p.levels = n
	return nil
}

// decodeValues decodes values that are not indexes.
func (p *pages) decodeValues(enc encoding.Encoding, plain []byte, present int) error {
	if err := checkCount(enc.Encoding(), p.typ.Kind(), plain, present); err != nil {
		return err
	}
	room := plain // which may be overwritten as it is read
	if !enc.CanDecodeInPlace() {
		room = resize(p.decoded, p.typ.EstimateDecodeSize(present, plain, enc))
	}
	var err error
	p.offsets = resize(p.offsets, present+1)
	if p.values, err = p.typ.Decode(p.typ.NewValues(room, p.offsets), plain, enc); err != nil {
		return err
	}
	var decoded []byte
	if decoded, p.offsets = p.values.Data(); !enc.CanDecodeInPlace() {
		p.decoded = decoded
	}
	return nil
}
