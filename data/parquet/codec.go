package parquet

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	format "github.com/parquet-go/parquet-go"
	meta "github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// codec undoes the compression of pages into the room that their headers ask
// for and no more: the size in a damaged block is not trusted.
// It is safe for concurrent use.
type codec struct {
	zstd func() (*zstd.Decoder, error) // made when it is needed
}

func newCodec() codec {
	return codec{zstd: sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	})}
}

// decompress fills dst from raw.
func (c codec) decompress(kind meta.CompressionCodec, dst, raw []byte) ([]byte, error) {
	var plain []byte
	var err error
	switch kind {
	case meta.Snappy:
		if found, n := binary.Uvarint(raw); n <= 0 || found != uint64(len(dst)) {
			return nil, fmt.Errorf("snappy: wanted %d bytes, found %d: %w", len(dst), found, ErrCorrupt)
		}
		plain, err = snappy.Decode(dst, raw)
	case meta.Zstd:
		var decoder *zstd.Decoder
		if decoder, err = c.zstd(); err == nil {
			plain, err = decoder.DecodeAll(raw, dst[:0:len(dst)])
		}
	case meta.Lz4Raw:
		var n int
		if n, err = lz4.UncompressBlock(raw, dst); err == nil {
			plain = dst[:n]
		}
	default:
		plain, err = format.LookupCompressionCodec(kind).Decode(dst, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", kind, err, ErrCorrupt)
	}
	if len(plain) != len(dst) {
		return nil, fmt.Errorf("%s: wanted %d bytes, found %d: %w", kind, len(dst), len(plain), ErrCorrupt)
	}
	return plain, nil
}
