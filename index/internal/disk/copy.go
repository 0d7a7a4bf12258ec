package disk

import (
	"io"
	"math"
)

// CopyTo writes the files of a segment in a file into another folder, byte by byte: the
// segment and its tokens as to names their numbers, and the graph and the field indexes
// where to has a number of them.
func (s *Segment) CopyTo(folder Folder, to SegmentRecord) error {
	files := []struct {
		name   string
		blocks *blocks
	}{
		{SegmentName(to.File), &s.blocks},
		{TokensName(to.File), &s.tokens.blocks},
		{GraphName(to.Graph), &s.graph.blocks},
		{FieldsName(to.Fields), &s.fields.blocks},
	}
	for _, f := range files {
		if f.blocks.file == nil || f.name == GraphName(0) || f.name == FieldsName(0) {
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
