package disk

import (
	"io"
	"math"
)

// CopyTo writes the files of a segment in a file into another folder, byte by byte: the
// segment and its tokens under the number segment, and its graph, if it has one, under the
// number graph.
func (s *Segment) CopyTo(folder Folder, segment, graph uint64) error {
	files := []struct {
		name   string
		blocks *blocks
	}{
		{SegmentName(segment), &s.blocks},
		{TokensName(segment), &s.tokens.blocks},
		{GraphName(graph), &s.graph.blocks},
	}
	for _, f := range files {
		if f.blocks.file == nil {
			continue
		}
		content := io.NewSectionReader(f.blocks.file, 0, math.MaxInt64)
		if err := folder.Write(f.name, func(w io.Writer) error {
			_, err := io.Copy(w, content)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
