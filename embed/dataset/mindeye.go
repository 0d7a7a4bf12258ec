package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/mindeye"
	"engram/embed/pixels"

	"gonum.org/v1/gonum/blas/blas32"
)

// MindEye names the scans of one subject in the layout of MindEye; see package
// mindeye for the files.
type MindEye struct {
	Dir     string // of the data set
	Subject int    // from 1; 0 means the only one that the folder has
}

// Scans are trials with the images that were seen in them.
type Scans struct {
	MindEye
	Splits  []string       // that were read
	Voxels  blas32.General // [trials, V]
	Images  []int          // for each trial the image that was seen, of Stimuli
	Stimuli *Stimuli       // every image once
	Samples int
	// Copies is how many rows repeat another one of the same image, voxel by voxel.
	// The format fills samples with them up to three. They are left out.
	Copies int

	coco     []int64 // for each image its number among NSD's
	at       map[int64]int
	trialsOf [][]int // for each image
}

// Check reports a folder that has no subject of this number, or several where none is
// chosen. It reads names of files alone.
func (m MindEye) Check() error { return m.findSubject() }

// Training reads the single trials of the training images, and where there are
// validation images their trials too, as the published networks were trained.
// (Decoders of package scan choose their settings by leaving training images
// out.)
func (m MindEye) Training() (*Scans, error) {
	if err := m.findSubject(); err != nil {
		return nil, err
	}
	splits := []string{mindeye.Train}
	if _, err := os.Stat(filepath.Join(m.Dir, mindeye.TarName(mindeye.Val, m.Subject, 0))); err == nil {
		splits = append(splits, mindeye.Val)
	}
	return m.read(splits...)
}

// Test reads the single trials of the test images.
func (m MindEye) Test() (*Scans, error) {
	if err := m.findSubject(); err != nil {
		return nil, err
	}
	return m.read(mindeye.Test)
}

// read reads splits, one after the other. Samples with the same number among NSD's
// 73,000 images show one image. It checks how many samples there are where
// metadata_subjNN.json says so. Voxels and the files of the images are held in
// memory.
func (m MindEye) read(splits ...string) (*Scans, error) {
	s := &Scans{MindEye: m, Splits: splits, at: make(map[int64]int)}
	var files [][]byte
	for _, split := range splits {
		before := s.Samples
		tars, err := mindeye.Tars(m.Dir, split, m.Subject)
		if err != nil {
			return nil, err
		}
		for _, path := range tars {
			for sample, err := range mindeye.ReadFile(path) {
				if err != nil {
					return nil, err
				}
				if files, err = s.add(sample, files); err != nil {
					return nil, fmt.Errorf("%s: %w", path, err)
				}
			}
		}
		if err := m.checkTotal(split, s.Samples-before); err != nil {
			return nil, err
		}
	}
	if len(s.Images) == 0 {
		return nil, fmt.Errorf("%s has no sample of subject %d in %s", m.Dir, m.Subject, strings.Join(splits, " and "))
	}
	if err := checkFinite(m.Dir, s.Voxels); err != nil {
		return nil, err
	}
	s.Stimuli = encodedStimuli(m.Dir, files)
	return s, nil
}

// findSubject sets the subject where it was left open.
func (m *MindEye) findSubject() error {
	subjects, err := mindeye.Subjects(m.Dir)
	switch {
	case err != nil:
		return err
	case len(subjects) == 0:
		return fmt.Errorf("%s has no tars of MindEye, wanted files such as %s", m.Dir, mindeye.TarName(mindeye.Train, 1, 0))
	case m.Subject == 0 && len(subjects) > 1:
		return fmt.Errorf("%s has the subjects %v, choose one", m.Dir, subjects)
	case m.Subject == 0:
		m.Subject = subjects[0]
	case !slices.Contains(subjects, m.Subject):
		return fmt.Errorf("%s has the subjects %v, not %d", m.Dir, subjects, m.Subject)
	}
	return nil
}

// add appends the trials of a sample that are no copies and, where it shows an
// image that is new, the file of this image.
func (s *Scans) add(sample *mindeye.Sample, files [][]byte) ([][]byte, error) {
	cols := len(sample.Voxels) / sample.Repeats
	if s.Samples == 0 {
		s.Voxels.Cols, s.Voxels.Stride = cols, cols
	}
	if cols != s.Voxels.Cols {
		return nil, fmt.Errorf("sample %d has %d voxels, the ones before it have %d", sample.Number, cols, s.Voxels.Cols)
	}
	s.Samples++
	image, known := s.at[sample.COCO73K]
	if !known {
		image = len(s.coco)
		s.at[sample.COCO73K] = image
		s.coco = append(s.coco, sample.COCO73K)
		s.trialsOf = append(s.trialsOf, nil)
		files = append(files, sample.Picture)
	}
	for trial := range slices.Chunk(sample.Voxels, cols) {
		copied := slices.ContainsFunc(s.trialsOf[image], func(other int) bool {
			return slices.Equal(row(s.Voxels, other), trial)
		})
		if copied {
			s.Copies++
			continue
		}
		s.trialsOf[image] = append(s.trialsOf[image], s.Voxels.Rows)
		s.Voxels.Data = append(s.Voxels.Data, trial...)
		s.Voxels.Rows++
		s.Images = append(s.Images, image)
	}
	return files, nil
}

// checkTotal wants as many samples as the metadata says, where there is a file of
// it.
func (m MindEye) checkTotal(split string, samples int) error {
	totals, err := mindeye.ReadTotals(m.Dir, m.Subject)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if want := totals.Of(split); samples != want {
		return fmt.Errorf("%s: the tars of %s have %d samples of subject %d, metadata_subj%02d.json says %d",
			m.Dir, split, samples, m.Subject, m.Subject, want)
	}
	return nil
}

// Apart returns an error where an image of s is one of other's too: decoders
// are not scored on what they were trained on.
func (s *Scans) Apart(other *Scans) error {
	for _, number := range s.coco {
		if _, found := other.at[number]; found {
			return fmt.Errorf("%s: image %d of the 73,000 is in %s and in %s",
				s.Dir, number, strings.Join(s.Splits, " and "), strings.Join(other.Splits, " and "))
		}
	}
	return nil
}

// Number returns the number of an image of Stimuli among NSD's 73,000, from 0.
func (s *Scans) Number(image int) int64 { return s.coco[image] }

// String says in one line what was read.
func (s *Scans) String() string {
	text := fmt.Sprintf("%s, subject %d, %s: %d samples, %d trials of %d voxels, %d images",
		s.Dir, s.Subject, strings.Join(s.Splits, " and "), s.Samples, s.Voxels.Rows, s.Voxels.Cols, s.Stimuli.Count)
	if s.Copies > 0 {
		text += fmt.Sprintf("; %d copies of trials left out", s.Copies)
	}
	return text
}

// encodedStimuli are the images in files that are held in memory.
func encodedStimuli(path string, files [][]byte) *Stimuli {
	return &Stimuli{
		Count: len(files), path: path, close: func() error { return nil }, // nothing is open
		read: func(ctx context.Context, i int) (*pixels.Image, error) {
			img, err := pixels.Decode(ctx, bytes.NewReader(files[i]), pixels.Limits{})
			if err != nil {
				return nil, fmt.Errorf("%s: image %d: %w", path, i, err)
			}
			return img, nil
		},
	}
}

// row returns row i of m without copying it.
func row(m blas32.General, i int) []float32 { return m.Data[i*m.Stride:][:m.Cols] }
