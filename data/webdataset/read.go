package webdataset

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// Options bounds what is read; the zero value is fine.
type Options struct {
	// MaxBytes is the most that the files of one sample may have together, with
	// 512 bytes for each file's entry in the tar. 0 means 64 MiB.
	MaxBytes int64
	// Notice is told what is unusual about the tar and costs nothing; nil is told
	// nothing.
	Notice func(text string)
}

const (
	defaultMaxBytes = 64 << 20
	maxFiles        = 4096 // of one sample: frames of a video, say
	entryBytes      = 512  // of a file's header in the tar
)

// ReadFile yields the samples of the tar at path, one at a time.
//
// A bad sample is yielded with an error, ErrTooLarge or ErrDuplicate, and those
// after it follow. Where the tar cannot be read to its end the last that is
// yielded is no sample and an *ArchiveError; a sample that was not complete by
// then is left out. Whether a sample has an image and good metadata is for its
// methods to tell.
//
// A tar may lack the zeros that end it, as where a program wrote one block of them
// or none: its samples are whole (GNU tar manual, "Blocking Factor"). Tars that were
// joined are read one after the other.
//
// Memory is bounded by Options.MaxBytes, the window of the compression (at most
// 128 MiB) and some 40 bytes for every sample of the tar.
func ReadFile(path string, o Options) iter.Seq2[*Sample, error] {
	return func(yield func(*Sample, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("webdataset: %w", &ArchiveError{Err: err}))
			return
		}
		defer f.Close()
		for s, err := range samples(f, o) {
			if err != nil {
				err = fmt.Errorf("webdataset: %s: %w", path, err)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

// Read yields the samples of the tar that r delivers, as ReadFile does.
func Read(r io.Reader, o Options) iter.Seq2[*Sample, error] {
	return func(yield func(*Sample, error) bool) {
		for s, err := range samples(r, o) {
			if err != nil {
				err = fmt.Errorf("webdataset: %w", err)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func samples(r io.Reader, o Options) iter.Seq2[*Sample, error] {
	return func(yield func(*Sample, error) bool) {
		source := open(r)
		defer source.close()
		g := grouper{maxBytes: cmp.Or(o.MaxBytes, defaultMaxBytes), seen: map[digest]struct{}{}, yield: yield}
		err := g.group(source, o.Notice)
		if g.passed > 0 && o.Notice != nil && !errors.Is(err, errStop) {
			o.Notice(fmt.Sprintf("links and files without an ending are left out: %d, the first is %.80s", g.passed, g.first))
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, &ArchiveError{Samples: g.good, After: g.last, Err: source.explain(err)})
		}
	}
}

// group reads all tars of the file.
func (g *grouper) group(source *source, notice func(string)) error {
	if source.err != nil {
		return source.err
	}
	var err error
	for archive := io.Reader(source); archive != nil && err == nil; {
		if err = g.groupTar(archive); err != nil {
			return err
		}
		if source.plain.ended {
			if notice != nil {
				notice("it lacks the zeros that end a tar")
			}
			break
		}
		archive, err = source.next()
	}
	if flushed := g.flush(); flushed != nil {
		return flushed
	}
	return err
}

// groupTar reads one tar to its end.
func (g *grouper) groupTar(r io.Reader) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are only names here
			return err
		}
		if err := g.add(header, archive); err != nil {
			return err
		}
	}
}
