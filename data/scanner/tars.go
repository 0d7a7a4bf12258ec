package scanner

import (
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"slices"

	"engram/data/mindeye"
	"engram/data/vfs"
)

// Tars is what MindEye's layout has beside a recording.
type Tars struct {
	Subject int // from 1
	// Picture returns the file of an image of the recording, as jpg or png.
	Picture func(image int) (format string, file []byte, err error)
	// Validation is how many images that are not shared are for validation.
	Validation int
	// Number returns the number (COCO73K) that an image of the recording has with all
	// subjects; nil: its row.
	Number func(image int) int64
}

// Limits of MindEye's tars: samples in one, and repeats of a sample.
const (
	perTar  = 500
	repeats = 3
)

// WriteTars scans the recording and writes it to a folder, which it makes, in
// the layout of MindEye (see package mindeye): the shared images are the test
// split, the others, in random order, validation and training. As there, voxels
// are z-scored over the trials of each session, and a sample has three repeats:
// the first three, or copies where the image was seen less often. The file
// dataset.json beside the splits, dataset_subj02.json of a second subject, says that the
// data is simulated.
func (s *Subject) WriteTars(dir string, r Recording, t Tars) error {
	if err := r.check(s); err != nil {
		return fmt.Errorf("scanner: %w", err)
	}
	scans, err := measure(s, r, func(v float32) float32 { return v })
	if err != nil {
		return err
	}
	standardiseSessions(scans, r.Trials, len(s.voxels))
	seen := make(map[int][]int) // the trials of an image
	for i, trial := range r.Trials {
		seen[trial.Image] = append(seen[trial.Image], i)
	}
	splits, err := r.split(t.Validation)
	if err != nil {
		return fmt.Errorf("scanner: %w", err)
	}
	for split, images := range splits {
		if err := vfs.MkdirAll(filepath.Join(dir, split), 0o755); err != nil {
			return fmt.Errorf("scanner: %w", err)
		}
		part := 0
		for some := range slices.Chunk(images, perTar) {
			path := filepath.Join(dir, mindeye.TarName(split, t.Subject, part))
			if err := mindeye.WriteFile(path, s.samples(some, scans, seen, t)); err != nil {
				return err
			}
			part++
		}
	}
	about := "dataset.json"
	if t.Subject > 1 {
		about = fmt.Sprintf("dataset_subj%02d.json", t.Subject)
	}
	if err := s.writeAbout(filepath.Join(dir, about), r, 0); err != nil {
		return err
	}
	return mindeye.WriteTotals(dir, t.Subject, mindeye.Totals{
		Train: len(splits[mindeye.Train]), Val: len(splits[mindeye.Val]), Test: len(splits[mindeye.Test]),
	})
}

// split returns the images of the splits, by their names.
func (r *Recording) split(validation int) (map[string][]int, error) {
	shared, known := r.shared(), make([]bool, r.Responses.Rows)
	var test, rest []int
	for _, t := range r.Trials {
		switch {
		case known[t.Image]:
		case shared[t.Image]:
			test = append(test, t.Image)
		default:
			rest = append(rest, t.Image)
		}
		known[t.Image] = true
	}
	if validation < 0 || validation > len(rest) {
		return nil, fmt.Errorf("wanted 0 to %d images for validation, found %d", len(rest), validation)
	}
	newDice("split", r.Seed).Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return map[string][]int{mindeye.Test: test, mindeye.Val: rest[:validation], mindeye.Train: rest[validation:]}, nil
}

// samples yields the samples of images, given the scans, [trials, voxels], and
// the trials of each image.
func (s *Subject) samples(images []int, scans []float32, seen map[int][]int, t Tars) iter.Seq2[*mindeye.Sample, error] {
	return func(yield func(*mindeye.Sample, error) bool) {
		for _, image := range images {
			format, file, err := t.Picture(image)
			if err != nil {
				yield(nil, fmt.Errorf("image %d: %w", image, err))
				return
			}
			trials, number := seen[image], int64(image)
			if t.Number != nil {
				number = t.Number(image)
			}
			sample := &mindeye.Sample{
				Number: image, Format: format, Picture: file, COCO73K: number,
				Repeats: repeats, Uniques: int64(min(len(trials), repeats)),
			}
			for k := range repeats {
				trial := trials[k%len(trials)]
				sample.Trials = append(sample.Trials, int64(trial))
				sample.Voxels = append(sample.Voxels, scans[trial*len(s.voxels):][:len(s.voxels)]...)
			}
			if !yield(sample, nil) {
				return
			}
		}
	}
}

// standardiseSessions gives every voxel of scans, [trials, voxels], mean 0 and
// deviation 1 over the trials of each session.
func standardiseSessions(scans []float32, trials []Trial, voxels int) {
	sessions := make(map[int][]int)
	for i, t := range trials {
		sessions[t.Session] = append(sessions[t.Session], i)
	}
	for _, rows := range sessions {
		n := float64(len(rows))
		for v := range voxels {
			var mean, squares float64
			for _, i := range rows {
				mean += float64(scans[i*voxels+v]) / n
			}
			for _, i := range rows {
				d := float64(scans[i*voxels+v]) - mean
				squares += d * d / n
			}
			deviation := math.Sqrt(squares)
			if deviation == 0 {
				deviation = 1 // a session of one trial
			}
			for _, i := range rows {
				at := &scans[i*voxels+v]
				*at = float32((float64(*at) - mean) / deviation)
			}
		}
	}
}
