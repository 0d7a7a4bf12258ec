package mindeye

import (
	"io"
	"iter"
)

// Read yields the samples of the tar that r delivers.
func Read(r io.Reader) iter.Seq2[*Sample, error] { return samples(r) }
