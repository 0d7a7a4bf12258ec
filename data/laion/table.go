package laion

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/parquet"
)

// ListParquet finds the Parquet files at a place, a file, a folder or a pattern,
// that hold vectors and metadata in one table. They are ordered by name, numbers
// in it by their value. A file that is broken or without such a column, or whose
// vectors differ from the first one's, is listed with its Err. The options say
// which column holds the vectors; usually none are needed.
func ListParquet(place string, o parquet.VectorOptions) ([]Shard, error) {
	paths, err := tables(place)
	if err != nil {
		return nil, fmt.Errorf("laion: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("laion: %s: wanted Parquet files: %w", place, ErrNoShards)
	}
	shards := make([]Shard, len(paths))
	for i, path := range paths {
		shards[i] = Shard{Name: filepath.Base(path), Number: i}
		shards[i].Err = shards[i].checkTable(path, o)
	}
	checkDims(shards)
	return shards, nil
}

// tables returns the Parquet files at a place in their order.
func tables(place string) ([]string, error) {
	pattern := place
	if !isPattern(place) {
		info, err := os.Stat(place)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return []string{place}, nil
		}
		pattern = literal(place, "*.parquet")
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
	slices.SortFunc(paths, byNumber)
	return paths, nil
}

// checkTable reads the footer of a table and looks for its first vector.
func (s *Shard) checkTable(path string, o parquet.VectorOptions) error {
	file, err := stat(path)
	s.Vectors, s.Metadata = file, file
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	table, err := parquet.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	defer table.Close()
	s.Rows = table.Len()
	vectors, err := table.Vectors(o)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrNoVectors)
	}
	defer vectors.Close()
	s.Column, s.Dim, s.Type = vectors.Column(), vectors.Dim(), vectors.Type()
	return nil
}

// byNumber orders texts with runs of digits compared as numbers.
func byNumber(a, b string) int {
	for a != "" && b != "" {
		x, restA := token(a)
		y, restB := token(b)
		if c := compareTokens(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// token splits off a run of digits or one other byte.
func token(s string) (head, rest string) {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n = max(n, 1)
	return s[:n], s[n:]
}

// compareTokens orders numbers by value, then by their zeros in front.
func compareTokens(x, y string) int {
	if isDigit(x[0]) && isDigit(y[0]) {
		a, b := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b), cmp.Compare(len(x), len(y)))
	}
	return strings.Compare(x, y)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
