package mindeye

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"iter"

	"engram/data/npy"
	"engram/data/vfs"
)

// WriteFile writes samples to a tar, replacing the file at path whole or not at
// all. The first error of the samples ends it.
func WriteFile(path string, samples iter.Seq2[*Sample, error]) error {
	err := vfs.WriteFile(path, func(w io.Writer) error {
		archive := tar.NewWriter(w)
		for s, err := range samples {
			if err != nil {
				return err
			}
			if err := writeSample(archive, s); err != nil {
				return fmt.Errorf("sample %d: %w", s.Number, err)
			}
		}
		return archive.Close()
	})
	if err != nil {
		return fmt.Errorf("mindeye: %s: %w", path, err)
	}
	return nil
}

func writeSample(w *tar.Writer, s *Sample) error {
	if s.Format != "jpg" && s.Format != "png" {
		return fmt.Errorf("wanted a picture in jpg or png, found %q", s.Format)
	}
	if s.Number < 0 || s.Number > 999_999_999 {
		return fmt.Errorf("its number does not have at most nine digits")
	}
	if s.Repeats < 1 || len(s.Voxels)%s.Repeats != 0 || len(s.Trials) != s.Repeats {
		return fmt.Errorf("%d voxels and %d trials do not fit %d repeats", len(s.Voxels), len(s.Trials), s.Repeats)
	}
	if err := writeFile(w, s, s.Format, s.Picture); err != nil {
		return err
	}
	for _, array := range []struct {
		name  string
		shape []int
		data  any
	}{
		{voxelsFile, []int{s.Repeats, len(s.Voxels) / s.Repeats}, s.Voxels},
		{trialsFile, []int{s.Repeats}, s.Trials},
		{cocoFile, []int{1}, []int64{s.COCO73K}},
		{uniquesFile, []int{1}, []int64{s.Uniques}},
	} {
		var file bytes.Buffer
		if err := npy.Write(&file, array.shape, array.data); err != nil {
			return err
		}
		if err := writeFile(w, s, array.name, file.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// The names of a sample's arrays, after the first dot.
const (
	voxelsFile  = "nsdgeneral.npy"
	trialsFile  = "trial.npy"
	cocoFile    = "coco73k.npy"
	uniquesFile = "num_uniques.npy"
)

func writeFile(w *tar.Writer, s *Sample, name string, content []byte) error {
	header := &tar.Header{Name: fmt.Sprintf("sample%09d.%s", s.Number, name), Mode: 0o644, Size: int64(len(content))}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}
