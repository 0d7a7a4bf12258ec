package webdataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"engram/data/gzipstream"
	"engram/data/images"

	"github.com/klauspost/compress/zstd"
)

const (
	bufferBytes = 256 << 10
	blockBytes  = 512       // of a tar
	maxWindow   = 128 << 20 // what zstd reads without being told to read more
)

// source is the tar in a file, decompressed where it has to be.
type source struct {
	raw   *watched // the file
	plain *watched // the tar in it
	err   error    // of the first bytes
	close func()
}

// watched passes on what it reads and keeps the error that ended it.
type watched struct {
	r     io.Reader
	ended bool  // there was no more to read
	err   error // anything else
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		w.ended = w.ended || n == 0 && len(p) > 0
	case err != nil:
		w.err = err
	}
	return n, err
}

func (s *source) Read(p []byte) (int, error) { return s.plain.Read(p) }

// open looks at the first bytes to tell how the tar is compressed.
func open(r io.Reader) *source {
	s := &source{raw: &watched{r: r}, close: func() {}}
	buffered := bufio.NewReaderSize(s.raw, bufferBytes)
	magic, _ := buffered.Peek(4) // the first read says what is wrong
	s.plain = &watched{r: buffered}
	switch {
	case len(magic) == 0 && s.raw.err == nil:
		s.err = fmt.Errorf("the file is empty: %w", ErrTruncated)
	case gzipstream.Is(magic):
		s.plain.r, s.err = gzipstream.NewReader(buffered)
	case isZstd(magic):
		var decoder *zstd.Decoder
		decoder, s.err = zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if s.err == nil {
			s.plain.r, s.close = decoder, decoder.Close
		}
	}
	return s
}

// isZstd recognises a frame and one to be skipped, with which pzstd begins.
func isZstd(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return string(b) == "\x28\xb5\x2f\xfd" || b[0]&0xf0 == 0x50 && string(b[1:]) == "\x2a\x4d\x18"
}

// next reads on after the end of a tar, so that checksums are compared. It passes
// over zeros and returns a reader of the tar that follows, as where two were
// joined; nil at the end of the file. Anything else is ErrCorrupt.
func (s *source) next() (io.Reader, error) {
	block := make([]byte, blockBytes)
	for {
		n, err := io.ReadFull(s, block)
		switch {
		case len(bytes.TrimLeft(block[:n], "\x00")) > 0 && images.Sniff(block[:n]) == images.Tar:
			return io.MultiReader(bytes.NewReader(block[:n]), s), nil
		case len(bytes.TrimLeft(block[:n], "\x00")) > 0:
			return nil, fmt.Errorf("something that is no tar follows its end: %w", ErrCorrupt)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && s.plain.ended:
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
}

// explain tells faults of the tar from faults of the disk.
func (s *source) explain(err error) error {
	switch {
	case s.raw.err != nil:
		return s.raw.err
	case errors.Is(err, ErrTruncated), errors.Is(err, ErrCorrupt):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrTruncated, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
