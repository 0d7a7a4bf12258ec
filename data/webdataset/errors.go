package webdataset

import (
	"errors"
	"fmt"
)

// What is wrong with one sample. Others of the tar are not touched by it.
var (
	// ErrTooLarge is a sample with more bytes than Options.MaxBytes or with more
	// than 4096 files. What exceeds the limit is passed over.
	ErrTooLarge = errors.New("the sample is too large")
	// ErrDuplicate is a sample whose key came before in the tar, or which has two
	// files with the same extension. Of those the first is kept.
	ErrDuplicate = errors.New("the name comes twice")
	// ErrNoImage is a sample without an image.
	ErrNoImage = errors.New("the sample has no image")
	// ErrMetadata is a json file that is no JSON, no object, or beyond the
	// limits of Sample.Metadata.
	ErrMetadata = errors.New("bad metadata")
)

// Faults of a tar, in an ArchiveError.
var (
	// ErrTruncated is a tar that ends too soon.
	ErrTruncated = errors.New("the tar is truncated")
	// ErrCorrupt is a file that is no tar, or whose content is damaged.
	ErrCorrupt = errors.New("the tar is damaged")
)

// What is wrong with the files of img2dataset beside a tar.
var (
	// ErrStats is a _stats.json that makes no sense.
	ErrStats = errors.New("bad stats")
	// ErrCount is a tar with more or fewer samples than its stats say.
	ErrCount = errors.New("the tar does not have as many samples as were downloaded")
)

// ArchiveError says that a tar could not be read to its end: ErrTruncated,
// ErrCorrupt or an error of the disk. The samples before it were delivered.
type ArchiveError struct {
	Samples int    // that were delivered without an error
	After   string // the key of the last sample that was delivered, "" where none was
	Err     error
}

func (e *ArchiveError) Error() string {
	if e.After == "" {
		return fmt.Sprintf("before the first sample was complete: %v", e.Err)
	}
	return fmt.Sprintf("after sample %s, %d good ones so far: %v", e.After, e.Samples, e.Err)
}

func (e *ArchiveError) Unwrap() error { return e.Err }
