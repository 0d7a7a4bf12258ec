package parquet

import (
	"encoding/binary"
	"fmt"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	meta "github.com/parquet-go/parquet-go/format"
)

// The decoder believes what a stream says about its length, and a broken byte
// can make it say two thousand million. So every stream is measured here before
// it is decoded.

// runs returns how many bytes the first count values of a stream take that
// mixes runs of one value with values packed into some bits each (Parquet's
// "RLE/bit-packing hybrid").
func runs(stream []byte, width, count int) (int, error) {
	at := 0
	for total := 0; total < count; {
		head, n := binary.Uvarint(stream[at:])
		if n <= 0 {
			return 0, fmt.Errorf("wanted %d values, found %d: %w", count, total, ErrCorrupt)
		}
		at += n
		length, packed := head>>1, head&1 == 1
		switch {
		case length == 0: // which some writers have, without a value
		case packed && length > uint64(len(stream)), !packed && length > uint64(count-total):
			return 0, fmt.Errorf("a run of %d where %d of %d values were left: %w", length, count-total, count, ErrCorrupt)
		case packed:
			at += int(length) * width
			total += 8 * int(length)
		default:
			at += (width + 7) / 8
			total += int(length)
		}
		if at > len(stream) {
			return 0, fmt.Errorf("the values end within a run: %w", ErrCorrupt)
		}
	}
	return at, nil
}

// readLevels decodes count levels of some bits each, into dst where it has room.
func readLevels(dst, stream []byte, count, width int) ([]byte, error) {
	if count < 0 || count > maxLevels {
		return nil, fmt.Errorf("%d of them, wanted at most %d: %w", count, maxLevels, ErrCorrupt)
	}
	used, err := runs(stream, width, count)
	if err != nil {
		return nil, err
	}
	levels, err := (&rle.Encoding{BitWidth: width}).DecodeLevels(dst[:0], stream[:used])
	if err != nil {
		return nil, fmt.Errorf("wanted %d: %w: %w", count, err, ErrCorrupt)
	}
	if len(levels) < count {
		return nil, fmt.Errorf("wanted %d, found %d: %w", count, len(levels), ErrCorrupt)
	}
	return levels[:count], nil
}

// prefixedLevels decodes levels behind their length in bytes, and returns what
// follows them.
func prefixedLevels(dst, plain []byte, count, width int, enc meta.Encoding) (levels, rest []byte, err error) {
	if enc != meta.RLE {
		return nil, nil, fmt.Errorf("in %s, which is not read: wanted RLE: %w", enc, ErrCorrupt)
	}
	if len(plain) < 4 {
		return nil, nil, fmt.Errorf("wanted their length, found %d bytes: %w", len(plain), ErrCorrupt)
	}
	size := int64(binary.LittleEndian.Uint32(plain))
	if plain = plain[4:]; size > int64(len(plain)) {
		return nil, nil, fmt.Errorf("they take %d bytes, the page has %d: %w", size, len(plain), ErrCorrupt)
	}
	levels, err = readLevels(dst, plain[:size], count, width)
	return levels, plain[size:], err
}

// readIndexes decodes count numbers of a dictionary's entries, behind a byte
// that says how many bits one takes.
func readIndexes(dst []int32, stream []byte, count int) ([]int32, error) {
	if len(stream) == 0 || stream[0] > 32 {
		return nil, fmt.Errorf("wanted the width of %d indexes in bits, found %x", count, stream[:min(1, len(stream))])
	}
	width := int(stream[0])
	if width == 0 {
		dst = resize(dst, count)
		clear(dst)
		return dst, nil
	}
	used, err := runs(stream[1:], width, count)
	if err != nil {
		return nil, err
	}
	indexes, err := format.RLEDictionary.DecodeInt32(dst[:0], stream[:1+used])
	if err != nil {
		return nil, err
	}
	return indexes[:count], nil
}

// checkCount looks for more values than wanted in a stream of another encoding.
func checkCount(enc meta.Encoding, kind format.Kind, stream []byte, count int) error {
	switch {
	case enc == meta.RLE && kind == format.Boolean:
		if len(stream) < 4 {
			return fmt.Errorf("wanted their length, found %d bytes", len(stream))
		}
		_, err := runs(stream[4:], 1, count)
		return err
	case enc == meta.DeltaBinaryPacked || enc == meta.DeltaLengthByteArray || enc == meta.DeltaByteArray:
		// Block size, blocks within one, and the number of values.
		var found uint64
		for range 3 {
			x, n := binary.Uvarint(stream)
			if n <= 0 {
				return fmt.Errorf("wanted a header, found its end")
			}
			found, stream = x, stream[n:]
		}
		if found > uint64(count) {
			return fmt.Errorf("wanted %d values, found %d", count, found)
		}
	}
	return nil
}
