package laion

import (
	"errors"
	"fmt"
	"os"
	"time"

	"engram/data/npy"
	"engram/data/parquet"
)

var (
	// ErrNoShards says that there is nothing to read at the place.
	ErrNoShards = errors.New("no shards")
	// ErrNoMetadata says that embeddings lack their metadata_N.parquet.
	ErrNoMetadata = errors.New("no metadata file")
	// ErrNoVectors says that a metadata_N.parquet lacks its embeddings, or a
	// table a column of vectors.
	ErrNoVectors = errors.New("no embeddings")
	// ErrTwice says that two files have the same number.
	ErrTwice = errors.New("shard comes twice")
	// ErrRows says that embeddings and metadata of a shard differ in length.
	ErrRows = errors.New("row counts differ")
	// ErrDim says that a shard's vectors differ in length from the first
	// shard's.
	ErrDim = errors.New("dimensions differ")
	// ErrFormat says that a file is broken or holds something else than it
	// should.
	ErrFormat = errors.New("unusable file")
	// ErrVector says that the vector of a row is missing, is of another length
	// than the others, or has an element that is not finite.
	ErrVector = parquet.ErrVector
)

// Set chooses the embeddings of a LAION folder. Its value is the name of the
// set's folder and the beginning of its files' names.
type Set string

// The sets that clip-retrieval writes.
const (
	Image Set = "img_emb"  // of the pictures
	Text  Set = "text_emb" // of the captions
)

// Shard is a part of a collection: some rows of vectors and metadata.
type Shard struct {
	Name     string // of the file with the vectors, such as "img_emb_0007.npy"
	Number   int    // from the name, or the position in a list of Parquet files
	Vectors  File   // npy, or Parquet where Column is set
	Metadata File   // Parquet; the same file where Column is set; without Path where there is none
	Column   string // of the vectors in a Parquet file
	Rows     int
	Dim      int    // elements of a vector; 0 where a Parquet file has no row with one
	Type     string // of the vectors' elements in the file, such as "float16"
	// Err says why the shard cannot be used; what is known is filled in all
	// the same. It wraps one of ErrNoMetadata, ErrNoVectors, ErrTwice, ErrRows,
	// ErrDim and ErrFormat.
	Err error
}

// File is a file as List saw it, so that a later run can tell that it changed.
type File struct {
	Path    string
	Size    int64 // bytes
	ModTime time.Time
}

// stat fills in size and time of the file at path.
func stat(path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{Path: path}, err
	}
	return File{Path: path, Size: info.Size(), ModTime: info.ModTime()}, nil
}

// check reads the headers of a shard's files and notes what is wrong.
func (s *Shard) check() {
	if s.Err != nil {
		return
	}
	var err error
	if s.Vectors, err = stat(s.Vectors.Path); err != nil {
		s.Err = fmt.Errorf("%w: %w", err, ErrFormat)
		return
	}
	if s.Metadata.Path == "" {
		s.checkVectors()
		if s.Err == nil {
			s.Err = fmt.Errorf("%s: wanted a metadata_%d.parquet beside it or in metadata/: %w", s.Vectors.Path, s.Number, ErrNoMetadata)
		}
		return
	}
	if s.Metadata, err = stat(s.Metadata.Path); err != nil {
		s.Err = fmt.Errorf("%w: %w", err, ErrFormat)
		return
	}
	if s.checkVectors(); s.Err == nil {
		s.checkMetadata()
	}
}

// checkVectors reads the header of the npy file.
func (s *Shard) checkVectors() {
	rows, err := openVectors(s.Vectors.Path)
	if err != nil {
		s.Err = err
		return
	}
	s.Rows, s.Dim, s.Type = rows.Shape()[0], rows.Shape()[1], rows.Type()
	rows.Close()
}

// openVectors opens an npy file that must hold rows of floating-point vectors.
func openVectors(path string) (*npy.Rows, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	shape, typ := rows.Shape(), rows.Type()
	if len(shape) != 2 || shape[1] < 1 || typ != "float16" && typ != "float32" && typ != "float64" {
		rows.Close()
		return nil, fmt.Errorf("%s: wanted rows of float16, float32 or float64, found %s of shape %v: %w", path, typ, shape, ErrFormat)
	}
	return rows, nil
}

// checkMetadata compares the number of rows with the vectors'.
func (s *Shard) checkMetadata() {
	table, err := parquet.Open(s.Metadata.Path)
	if err != nil {
		s.Err = fmt.Errorf("%w: %w", err, ErrFormat)
		return
	}
	defer table.Close()
	s.Err = s.sameRows(table)
}

// sameRows compares the lengths of vectors and metadata.
func (s *Shard) sameRows(table *parquet.File) error {
	if table.Len() != s.Rows {
		return fmt.Errorf("%s has %d rows, %s has %d: %w", s.Vectors.Path, s.Rows, s.Metadata.Path, table.Len(), ErrRows)
	}
	return nil
}

// checkDims marks the shards whose dimension differs from the first good shard.
func checkDims(shards []Shard) {
	first := -1
	for i := range shards {
		s := &shards[i]
		switch {
		case s.Err != nil || s.Dim == 0:
		case first < 0:
			first = i
		case s.Dim != shards[first].Dim:
			s.Err = fmt.Errorf("%s has vectors of %d elements, %s of %d: %w",
				s.Vectors.Path, s.Dim, shards[first].Vectors.Path, shards[first].Dim, ErrDim)
		}
	}
}
