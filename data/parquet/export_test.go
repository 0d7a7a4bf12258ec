package parquet

import "io"

// Spliced shows the ranges of a file, given as pairs, as one from start on.
func Spliced(file io.ReaderAt, start int64, kept ...[2]int64) io.ReaderAt {
	s := spliced{file: file, start: start}
	for _, k := range kept {
		s.kept = append(s.kept, span{k[0], k[1]})
	}
	return s
}
