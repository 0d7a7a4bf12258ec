package scanner

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"engram/data/nifti"
	"engram/data/npy"
	"engram/data/vfs"

	"gonum.org/v1/gonum/blas/blas32"
)

// Recording is what a scan of a subject needs, to be written to files.
type Recording struct {
	Responses blas32.General // of the subject, a row for each image
	Trials    []Trial
	Seed      uint64 // of the noise
	// Names stand for the images in trials.csv, such as their paths in the folder
	// of stimuli. Without names, trials.csv has the numbers of their rows.
	Names []string
	// Shared are the images that other subjects see too: the test images.
	Shared []int
}

// DataType is the type of the elements in a file of voxels.
type DataType uint8

// The data types.
const (
	Float32 DataType = iota // per cent signal change
	Int16                   // per cent signal change times 300, as in NSD
)

// int16Scale is what NSD multiplies per cent signal change by to store it.
const int16Scale = 300

// WriteTable scans the recording and writes it to a folder, which it makes:
//
//   - voxels.npy, [trials, voxels], float32 or int16
//   - trials.csv, a line for each trial: image, session, place, repeat, shared
//   - mask.nii.gz, the volume with a 1 at every voxel; voxels.npy has them in C
//     order
//   - voxels.csv, what there is to know about each voxel
//   - dataset.json, which says that the data is simulated and how
//
// The scans are held in memory until they are written.
func (s *Subject) WriteTable(dir string, r Recording, as DataType) error {
	if err := r.check(s); err != nil {
		return fmt.Errorf("scanner: %w", err)
	}
	if err := vfs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("scanner: %w", err)
	}
	shape := []int{len(r.Trials), len(s.voxels)}
	var data any
	var err error
	if as == Int16 {
		data, err = measure(s, r, toInt16)
	} else {
		data, err = measure(s, r, func(v float32) float32 { return v })
	}
	if err != nil {
		return err
	}
	if err := npy.WriteFile(filepath.Join(dir, "voxels.npy"), shape, data); err != nil {
		return err
	}
	if err := s.writeMask(filepath.Join(dir, "mask.nii.gz")); err != nil {
		return err
	}
	return errors.Join(
		writeTable(filepath.Join(dir, "trials.csv"), r.table()),
		writeTable(filepath.Join(dir, "voxels.csv"), s.table()),
		s.writeAbout(filepath.Join(dir, "dataset.json"), r, as.scale()))
}

func (r *Recording) check(s *Subject) error {
	if r.Names != nil && len(r.Names) != r.Responses.Rows {
		return fmt.Errorf("there are %d names for %d images", len(r.Names), r.Responses.Rows)
	}
	for _, i := range r.Shared {
		if i < 0 || i >= r.Responses.Rows {
			return fmt.Errorf("image %d is shared, there are responses to %d", i, r.Responses.Rows)
		}
	}
	for i, t := range r.Trials {
		if err := s.checkTrial(r.Responses, t); err != nil {
			return fmt.Errorf("trial %d: %w", i, err)
		}
	}
	return nil
}

// shared tells of each image whether it is shared.
func (r *Recording) shared() []bool {
	out := make([]bool, r.Responses.Rows)
	for _, i := range r.Shared {
		out[i] = true
	}
	return out
}

// measure returns what is measured in all trials, [trials, voxels].
func measure[T any](s *Subject, r Recording, convert func(float32) T) ([]T, error) {
	out := make([]T, 0, len(r.Trials)*len(s.voxels))
	for row, err := range s.Scan(r.Responses, r.Trials, r.Seed) {
		if err != nil {
			return nil, err
		}
		for _, v := range row {
			out = append(out, convert(v))
		}
	}
	return out, nil
}

// toInt16 rounds to the nearest number that there is.
func toInt16(v float32) int16 {
	return int16(math.RoundToEven(max(math.MinInt16, min(int16Scale*float64(v), math.MaxInt16))))
}

// voxelSize is the edge of a voxel in millimetres, as in NSD's func1pt8mm.
const voxelSize = 1.8

func (s *Subject) writeMask(path string) error {
	mask := s.Mask()
	volume := make([]uint8, s.shape[0]*s.shape[1]*s.shape[2])
	for _, i := range mask.Index {
		volume[i] = 1
	}
	layout := nifti.Layout{Shape: s.shape[:], VoxelSize: [3]float32{voxelSize, voxelSize, voxelSize}}
	return nifti.WriteFile(path, layout, volume)
}

// table returns the lines of trials.csv.
func (r *Recording) table() [][]string {
	lines := [][]string{{"image", "session", "place", "repeat", "shared"}}
	shared := r.shared()
	for _, t := range r.Trials {
		image := strconv.Itoa(t.Image)
		if r.Names != nil {
			image = r.Names[t.Image]
		}
		flag := "0"
		if shared[t.Image] {
			flag = "1"
		}
		lines = append(lines, []string{image, strconv.Itoa(t.Session), strconv.Itoa(t.Place), strconv.Itoa(t.Repeat), flag})
	}
	return lines
}

// table returns the lines of voxels.csv.
func (s *Subject) table() [][]string {
	lines := [][]string{{"voxel", "x", "y", "z", "area", "hemisphere", "field_x", "field_y", "field_size", "ncsnr"}}
	for i, v := range s.Voxels() {
		hemisphere := "right"
		if v.LeftBrain {
			hemisphere = "left"
		}
		line := []string{strconv.Itoa(i), strconv.Itoa(v.At[0]), strconv.Itoa(v.At[1]), strconv.Itoa(v.At[2]), v.Area.String(), hemisphere}
		for _, number := range []float64{v.Field.X, v.Field.Y, v.Field.Size, v.NCSNR} {
			line = append(line, strconv.FormatFloat(number, 'f', 4, 64))
		}
		lines = append(lines, line)
	}
	return lines
}

func writeTable(path string, lines [][]string) error {
	err := vfs.WriteFile(path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(lines) })
	if err != nil {
		return fmt.Errorf("scanner: %s: %w", path, err)
	}
	return nil
}

// scale returns what per cent signal change is multiplied by in a file.
func (t DataType) scale() int {
	if t == Int16 {
		return int16Scale
	}
	return 1
}

// writeAbout writes what the data is. scale is what per cent signal change is
// multiplied by, 0 where voxels are z-scored.
func (s *Subject) writeAbout(path string, r Recording, scale int) error {
	about := struct {
		Simulated   bool    `json:"simulated"`
		About       string  `json:"about"`
		SubjectSeed uint64  `json:"subject_seed"`
		NoiseSeed   uint64  `json:"noise_seed"`
		Voxels      int     `json:"voxels"`
		Trials      int     `json:"trials"`
		Sessions    int     `json:"sessions"`
		MedianNCSNR float64 `json:"median_ncsnr"`
		Scale       int     `json:"scale,omitempty"`
	}{
		Simulated: true, About: "simulated scans of a simulated subject; no person was scanned",
		SubjectSeed: s.options.Seed, NoiseSeed: r.Seed, Voxels: len(s.voxels), Trials: len(r.Trials),
		Sessions: len(sessionLengths(r.Trials)), MedianNCSNR: s.options.NCSNR, Scale: scale,
	}
	err := vfs.WriteFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(about)
	})
	if err != nil {
		return fmt.Errorf("scanner: %s: %w", path, err)
	}
	return nil
}
