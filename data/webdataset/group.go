package webdataset

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// errStop ends the reading because nobody wants more.
var errStop = errors.New("stop")

// digest stands for a key among those seen.
type digest [16]byte

// grouper makes samples of files that follow each other.
type grouper struct {
	maxBytes int64
	yield    func(*Sample, error) bool

	seen  map[digest]struct{} // keys so far
	count int                 // samples begun
	good  int                 // samples delivered without an error
	last  string              // key of the last one delivered
	files int                 // that it had: the next will have as many

	sample *Sample // the one being read, nil at first
	bytes  int64   // of it so far, with its headers
	fault  error   // what is wrong with it, the first thing

	passed int    // files that no sample can have
	first  string // name of the first one
}

// add reads one file of the tar.
func (g *grouper) add(header *tar.Header, content io.Reader) error {
	switch header.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
	case tar.TypeDir:
		return nil
	default: // links and devices
		g.pass(header.Name)
		return nil
	}
	key, ext, ok := split(header.Name)
	if !ok {
		g.pass(header.Name)
		return nil
	}
	if g.sample == nil || g.sample.Key != key {
		if err := g.flush(); err != nil {
			return err
		}
		g.begin(key)
	}
	return g.read(ext, header.Size, content)
}

// pass counts a file that no sample can have: a link, or one whose name has no ending.
// What webdataset and macOS keep for themselves is no loss.
func (g *grouper) pass(name string) {
	if meta.MatchString(name) || strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], ".") {
		return
	}
	if g.passed++; g.passed == 1 {
		g.first = name
	}
}

// meta are the names at the top of a tar that webdataset passes over.
var meta = regexp.MustCompile(`^__[^/]*__(/|$)`)

// split parts a name at the first dot after the last slash. It fails where
// there is no key or no dot.
func split(name string) (key, ext string, ok bool) {
	base := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[base:], '.')
	if dot < 1 || strings.HasPrefix(name, "__") && meta.MatchString(name) {
		return "", "", false
	}
	return name[:base+dot], strings.ToLower(name[base+dot+1:]), true
}

// begin starts a new sample.
func (g *grouper) begin(key string) {
	g.sample = &Sample{Key: key, Index: g.count, Files: make([]File, 0, g.files)}
	g.count++
	g.bytes, g.fault = 0, nil
	sum := sha256.Sum256([]byte(key))
	id := digest(sum[:len(digest{})])
	if _, again := g.seen[id]; again {
		g.fault = g.sample.fault(ErrDuplicate, "its key came before, the files of a sample must follow each other")
	}
	g.seen[id] = struct{}{}
}

// read adds a file to the sample, or says what is wrong with it. What is not
// read the tar skips.
func (g *grouper) read(ext string, size int64, content io.Reader) error {
	s := g.sample
	var fault error
	switch _, again := s.File(ext); {
	case again:
		fault = s.fault(ErrDuplicate, "it has two files ."+ext)
	case len(s.Files) == maxFiles:
		fault = s.fault(ErrTooLarge, fmt.Sprintf("it has more than %d files", maxFiles))
	case size > g.maxBytes-g.bytes-entryBytes:
		fault = s.fault(ErrTooLarge, fmt.Sprintf("with the %d bytes of .%s it exceeds %d", size, ext, g.maxBytes))
	}
	if fault != nil {
		if g.fault == nil {
			g.fault = fault
		}
		return nil
	}
	data, err := readAll(content, size)
	if err != nil {
		return err
	}
	g.bytes += size + entryBytes
	s.Files = append(s.Files, File{Ext: ext, Data: data})
	return nil
}

// readAll reads size bytes. Up to a megabyte is allocated at once, above that
// no more than has arrived, so that a header that lies costs little.
func readAll(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, min(size, 1<<20))
	n, err := io.ReadFull(r, data)
	for err == nil && int64(n) < size {
		data = append(data, make([]byte, min(size-int64(n), int64(n)))...)
		var more int
		more, err = io.ReadFull(r, data[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// flush delivers the sample that was being read.
func (g *grouper) flush() error {
	s, fault := g.sample, g.fault
	if s == nil {
		return nil
	}
	g.sample, g.last, g.files = nil, s.Key, len(s.Files)
	if fault == nil {
		g.good++
	}
	if !g.yield(s, fault) {
		return errStop
	}
	return nil
}

// fault names the sample in an error of kind.
func (s *Sample) fault(kind error, what string) error {
	return fmt.Errorf("sample %s: %w: %s", s.Key, kind, what)
}
