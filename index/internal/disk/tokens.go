package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"engram/index"
)

// TokensName is the file name of the tokens of the segment with a number.
func TokensName(number uint64) string { return fmt.Sprintf("%016x.tok", number) }

const tokensMagic = "engram\x00T"

// tokenRows are the tokens of the rows of a segment, a row after the other: a file,
// or memory.
type tokenRows struct {
	blocks
	rows []byte
	size int // bytes of a row; 0: the segment keeps none
}

// tokensHeader is the header of a file of tokens.
func tokensHeader(size, rows int) []byte {
	b := append(make([]byte, 0, headerSize), tokensMagic...)
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint64(b, uint64(rows))
	b = append(b, make([]byte, headerSize-4-len(b))...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// WriteTokens writes the tokens of rows, one row or more of segments that keep
// tokens of one size. The caller has verified segments on disk that rows come from.
func WriteTokens(w io.Writer, rows []Ref) error {
	size := rows[0].Segment.tokens.size
	_, _, total, err := tokensLayout(size, len(rows))
	if err != nil {
		return err
	}
	out := &blockWriter{w: w, sums: make([]byte, 0, total/BlockSize*SumSize)}
	out.Write(tokensHeader(size, len(rows)))
	out.pad()
	for _, r := range runsOf(rows) {
		out.Write(r.Segment.tokens.rows[r.Row*size:][:r.rows*size])
	}
	out.pad()
	return out.finish()
}

// tokensLayout says where the checksums of rows begin, how many bytes the rows take
// up and how many the file.
func tokensLayout(size, rows int) (sums, content, total int64, err error) {
	if size < 1 || rows < 1 || rows > maxRows || int64(size) > math.MaxInt64/2/int64(rows) {
		return 0, 0, 0, fmt.Errorf("tokens of %d rows of %d bytes: %w", rows, size, index.ErrCorrupt)
	}
	content = int64(size) * int64(rows)
	sums = BlockSize + (content+BlockSize-1)/BlockSize*BlockSize
	total = sums + SumSize*(sums/BlockSize) + SumSize
	if total > math.MaxInt {
		return 0, 0, 0, fmt.Errorf("a file of %d bytes does not fit this machine's address space", total)
	}
	return sums, content, total, nil
}

// OpenTokens maps the file of the segment's tokens, of size bytes a row. It checks
// header, size and the list of checksums; tokens are checked when they are read
// (Tokens), and all together by Verify. ErrCorrupt marks damage.
func (s *Segment) OpenTokens(path string, size int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	s.tokens = tokenRows{blocks: blocks{file: file}, size: size}
	if err := s.openTokens(); err != nil {
		err = errors.Join(fmt.Errorf("tokens %s: %w", path, err), s.tokens.close())
		s.tokens = tokenRows{} // closed: Close has nothing to close once more
		return err
	}
	return nil
}

func (s *Segment) openTokens() error {
	if err := s.mapTokens(); err != nil {
		return err
	}
	if err := s.tokens.checkSums(); err != nil {
		return err
	}
	return s.tokens.compare(0, headerSize)
}

// mapTokens maps the file and checks its header and size, and no more.
func (s *Segment) mapTokens() error {
	t := &s.tokens
	sums, content, total, err := tokensLayout(t.size, len(s.IDs))
	if err != nil {
		return err
	}
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	var first [headerSize]byte
	if n, err := t.file.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("the header ends after %d bytes: %w: %w", n, err, index.ErrCorrupt)
	}
	if err := s.checkTokensHeader(first[:]); err != nil {
		return err
	}
	if info.Size() != total {
		return fmt.Errorf("%d rows of %d bytes take up %d bytes, the file has %d: %w", len(s.IDs), t.size, total, info.Size(), index.ErrCorrupt)
	}
	if err := t.mapBlocks(sums, total); err != nil {
		return err
	}
	t.rows = t.data[BlockSize:][:content]
	return nil
}

// checkTokensHeader refuses the header of other tokens than the segment's.
func (s *Segment) checkTokensHeader(b []byte) error {
	if string(b[:len(tokensMagic)]) != tokensMagic {
		return fmt.Errorf("it does not begin as tokens do: %w", index.ErrCorrupt)
	}
	if checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return fmt.Errorf("its header does not match its checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < 3 || v > Version {
		return versionError(int(v))
	}
	size, rows := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint64(b[16:])
	if int64(size) != int64(s.tokens.size) || rows != uint64(len(s.IDs)) {
		return fmt.Errorf("it has %d rows of %d bytes, wanted %d of %d: %w", rows, size, len(s.IDs), s.tokens.size, index.ErrCorrupt)
	}
	return nil
}

// Tokens returns a copy of the tokens of row i after checking the blocks they lie in,
// nil where the segment keeps none.
func (s *Segment) Tokens(i int) ([]byte, error) {
	t := &s.tokens
	if t.size == 0 {
		return nil, nil
	}
	if err := t.check(BlockSize+int64(i)*int64(t.size), int64(t.size)); err != nil {
		return nil, err
	}
	return append([]byte(nil), t.rows[i*t.size:][:t.size]...), nil
}

// TokenSize returns the bytes of the tokens of a row, 0 where the segment keeps none.
func (s *Segment) TokenSize() int { return s.tokens.size }
