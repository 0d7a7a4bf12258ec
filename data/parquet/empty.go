package parquet

import (
	"bufio"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	meta "github.com/parquet-go/parquet-go/format"
)

// PyArrow writes list columns in version 2 pages with a page of no values here
// and there, and the decoder panics on these. So they are cut out of what it
// gets to see.

// headerBytes is what a page's header usually fits in.
const headerBytes = 512

// span is a range of bytes in a file.
type span struct{ from, to int64 }

// spliced shows ranges of a file as if they followed each other from the start
// on, and nothing behind them.
type spliced struct {
	file  io.ReaderAt
	start int64
	kept  []span
}

// ReadAt implements io.ReaderAt.
func (s spliced) ReadAt(b []byte, at int64) (int, error) {
	done, skip := 0, at-s.start
	for _, part := range s.kept {
		size := part.to - part.from - skip
		if size <= 0 {
			skip = -size
			continue
		}
		n, err := s.file.ReadAt(b[done:done+int(min(size, int64(len(b)-done)))], part.from+skip)
		done, skip = done+n, 0
		if err != nil || done == len(b) {
			return done, err
		}
	}
	return done, io.EOF
}

// withoutEmptyPages returns a view of the file in which a column chunk has no
// pages without values. A header that cannot be read is left to the decoder.
func withoutEmptyPages(file io.ReaderAt, chunk *meta.ColumnMetaData) io.ReaderAt {
	at := chunk.DataPageOffset
	if chunk.DictionaryPageOffset != 0 {
		at = chunk.DictionaryPageOffset
	}
	view := spliced{file: file, start: at}
	end, from, empty := at+chunk.TotalCompressedSize, at, false
	for at < end {
		section := io.NewSectionReader(file, at, end-at)
		buffered := bufio.NewReaderSize(section, headerBytes)
		var protocol thrift.CompactProtocol
		var header meta.PageHeader
		if err := thrift.NewDecoder(protocol.NewReader(buffered)).Decode(&header); err != nil || header.CompressedPageSize < 0 {
			break
		}
		read, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			break
		}
		next := at + read - int64(buffered.Buffered()) + int64(header.CompressedPageSize)
		if header.DataPageHeaderV2.Valid && header.DataPageHeaderV2.V.NumValues == 0 {
			view.kept = append(view.kept, span{from, at})
			from, empty = next, true
		}
		at = next
	}
	if !empty {
		return file
	}
	view.kept = append(view.kept, span{from, max(from, end)})
	return view
}
