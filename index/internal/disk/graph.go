package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"engram/index"
	"engram/index/internal/graph"
)

// GraphName is the file name of the graph with a number.
func GraphName(number uint64) string { return fmt.Sprintf("%016x.graph", number) }

const (
	graphMagic = "engram\x00G"
	levelSize  = 16
	// maxEntries bounds entries and levels, so that their sizes are sane.
	maxEntries = 1 << 28
)

// storedGraph is the graph of a segment in its file.
type storedGraph struct {
	blocks
	*graph.Graph
	damage error // why it could not be opened
}

// graphLayout says where the sections of the file of a graph lie.
type graphLayout struct {
	rows, entries, levels        int
	atEntries, atLevels, atLinks int64
	linkBytes, sums, total       int64
}

func newGraphLayout(rows, entries, levels uint64) (graphLayout, error) {
	if rows < 1 || rows > maxRows || entries < 1 || entries > maxEntries || levels > maxEntries {
		return graphLayout{}, fmt.Errorf("a graph of %d rows with %d entries and %d levels: %w", rows, entries, levels, index.ErrCorrupt)
	}
	l := graphLayout{rows: int(rows), entries: int(entries), levels: int(levels)}
	padded := func(n int64) int64 { return (n + BlockSize - 1) / BlockSize * BlockSize }
	l.atEntries = BlockSize
	l.atLevels = l.atEntries + padded(4*int64(entries))
	l.atLinks = l.atLevels + padded(levelSize*int64(levels))
	l.linkBytes = 4 * graph.Degree * int64(rows)
	l.sums = l.atLinks + padded(l.linkBytes)
	l.total = l.sums + SumSize*(l.sums/BlockSize) + SumSize
	if l.total > math.MaxInt {
		return graphLayout{}, fmt.Errorf("a graph of %d bytes does not fit this machine's address space", l.total)
	}
	return l, nil
}

// WriteGraph writes the graph of a segment.
func WriteGraph(w io.Writer, g *graph.Graph) error {
	l, err := newGraphLayout(uint64(g.Rows()), uint64(len(g.Entries)), uint64(len(g.Levels)))
	if err != nil {
		return err
	}
	out := &blockWriter{w: w, sums: make([]byte, 0, l.sums/BlockSize*SumSize+SumSize)}
	b := append(make([]byte, 0, headerSize), graphMagic...)
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, graph.Degree)
	b = binary.LittleEndian.AppendUint64(b, uint64(l.rows))
	b = binary.LittleEndian.AppendUint32(b, uint32(l.entries))
	b = binary.LittleEndian.AppendUint32(b, uint32(l.levels))
	b = binary.LittleEndian.AppendUint32(b, uint32(g.First))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(g.Near))
	b = append(b, make([]byte, headerSize-4-len(b))...)
	out.Write(binary.LittleEndian.AppendUint32(b, checksum(b)))
	out.pad()
	out.Write(bytesOf(g.Entries))
	out.pad()
	for _, level := range g.Levels {
		out.Write(appendLevel(nil, level))
	}
	out.pad()
	out.Write(bytesOf(g.Links))
	out.pad()
	return out.finish()
}

func appendLevel(b []byte, l graph.Level) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(l.K))
	b = binary.LittleEndian.AppendUint32(b, uint32(l.Effort))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(l.Unseen))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(l.Distant))
}

func parseLevel(b []byte) graph.Level {
	return graph.Level{
		K:       int(binary.LittleEndian.Uint32(b)),
		Effort:  int(binary.LittleEndian.Uint32(b[4:])),
		Unseen:  math.Float32frombits(binary.LittleEndian.Uint32(b[8:])),
		Distant: math.Float32frombits(binary.LittleEndian.Uint32(b[12:])),
	}
}

// OpenGraph maps the file of the segment's graph. It checks header, size, entries,
// levels and the list of checksums. A walk takes the links as they are, and a link
// that leads nowhere for the end of a list; Verify checks them. ErrCorrupt marks
// damage, and fs.ErrNotExist that there is no file: the segment can be used without a
// graph, and Verify reports it again.
func (s *Segment) OpenGraph(path string) error {
	file, err := os.Open(path)
	if err != nil {
		s.graph = storedGraph{damage: missing(fmt.Errorf("graph: %w", err))}
		return err
	}
	s.graph = storedGraph{blocks: blocks{file: file}}
	if err := s.graph.open(len(s.IDs)); err != nil {
		err = errors.Join(fmt.Errorf("graph %s: %w", path, err), s.graph.close())
		s.graph = storedGraph{damage: err} // closed: Close has nothing to close once more
		return err
	}
	return nil
}

// open maps the graph of rows rows.
func (g *storedGraph) open(rows int) error {
	l, err := g.readHeader(rows)
	if err != nil {
		return err
	}
	if err := g.mapBlocks(l.sums, l.total); err != nil {
		return err
	}
	if err := g.checkSums(); err != nil {
		return err
	}
	if err := g.compare(0, l.atLinks); err != nil {
		return err
	}
	g.Graph = &graph.Graph{
		Links:   viewAs[uint32](g.data[l.atLinks:][:l.linkBytes]),
		Entries: viewAs[uint32](g.data[l.atEntries:][:4*l.entries]),
		First:   int(binary.LittleEndian.Uint32(g.data[32:])),
		Near:    math.Float32frombits(binary.LittleEndian.Uint32(g.data[36:])),
	}
	for i := range l.levels {
		g.Levels = append(g.Levels, parseLevel(g.data[l.atLevels+int64(i)*levelSize:]))
	}
	return g.Check(rows)
}

// readHeader reads the header of the graph of rows rows and compares the size of the
// file with it.
func (g *storedGraph) readHeader(rows int) (graphLayout, error) {
	info, err := g.file.Stat()
	if err != nil {
		return graphLayout{}, err
	}
	b := make([]byte, headerSize)
	if n, err := g.file.ReadAt(b, 0); err != nil {
		return graphLayout{}, fmt.Errorf("the header ends after %d bytes: %w: %w", n, err, index.ErrCorrupt)
	}
	if string(b[:len(graphMagic)]) != graphMagic {
		return graphLayout{}, fmt.Errorf("it does not begin as a graph does: %w", index.ErrCorrupt)
	}
	if checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return graphLayout{}, fmt.Errorf("its header does not match its checksum: %w", index.ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v < 4 || v > Version {
		return graphLayout{}, versionError(int(v))
	}
	degree, n := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint64(b[16:])
	if degree != graph.Degree || n != uint64(rows) {
		return graphLayout{}, fmt.Errorf("it has %d links of each of %d rows, wanted %d of %d: %w", degree, n, graph.Degree, rows, index.ErrCorrupt)
	}
	l, err := newGraphLayout(n, uint64(binary.LittleEndian.Uint32(b[24:])), uint64(binary.LittleEndian.Uint32(b[28:])))
	if err == nil && info.Size() != l.total {
		err = fmt.Errorf("a graph of %d rows with %d entries and %d levels takes up %d bytes, the file has %d: %w",
			l.rows, l.entries, l.levels, l.total, info.Size(), index.ErrCorrupt)
	}
	return l, err
}

// Graph returns the graph of the segment, nil where it has none.
func (s *Segment) Graph() *graph.Graph { return s.graph.Graph }
