package eval

import (
	"fmt"
	"math"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// NoiseCeiling returns the share of a voxel's variance, 0 to 1, that a perfect
// model could explain in the mean of so many repeats, from the voxel's ratio of
// signal to noise deviations: ncsnr²/(ncsnr² + 1/repeats) (Allen et al. 2022,
// Nat Neurosci 25, Methods). NSD gives it in per
// cent.
func NoiseCeiling(ncsnr float64, repeats int) float64 {
	return 1 / (1 + 1/(float64(repeats)*ncsnr*ncsnr))
}

// NCSNR estimates every voxel's ratio of signal to noise deviations from two
// repeats or more, each [images, voxels] with the same image in the same row.
// The noise variance is the variance over the repeats of an image, mean over
// images; the signal variance is what it leaves of the variance over all
// trials, at least 0 (Allen et al. 2022, as NoiseCeiling; both variances with
// divisor n−1). The ratio is 0 for a voxel that never varies and +Inf for one
// whose repeats agree exactly.
func NCSNR(repeats []blas32.General) ([]float64, error) {
	if err := checkRepeats(repeats); err != nil {
		return nil, err
	}
	images, voxels := repeats[0].Rows, repeats[0].Cols
	out := make([]float64, voxels)
	all := make([]float64, 0, images*len(repeats))
	for v := range voxels {
		all = all[:0]
		var noise float64
		for i := range images {
			for _, r := range repeats {
				all = append(all, float64(matrix.Row(r, i)[v]))
			}
			noise += stat.Variance(all[len(all)-len(repeats):], nil) / float64(images)
		}
		if signal := stat.Variance(all, nil) - noise; signal > 0 {
			out[v] = math.Sqrt(signal / noise)
		}
	}
	return out, nil
}

// SplitHalf returns every voxel's correlation over images between two
// independent halves of the repeats (or their means), each [images, voxels]: the
// reliability of one half. It is 0 for a voxel that does not vary in a half.
func SplitHalf(a, b blas32.General) ([]float64, error) {
	if err := checkRepeats([]blas32.General{a, b}); err != nil {
		return nil, err
	}
	out := make([]float64, a.Cols)
	x, y := make([]float64, a.Rows), make([]float64, a.Rows)
	for v := range out {
		for i := range a.Rows {
			x[i], y[i] = float64(matrix.Row(a, i)[v]), float64(matrix.Row(b, i)[v])
		}
		if r := stat.Correlation(x, y, nil); !math.IsNaN(r) {
			out[v] = r
		}
	}
	return out, nil
}

// SpearmanBrown returns the reliability of the mean of so many times the trials
// that the reliability r was measured on (Spearman 1910 and Brown 1910, Br J
// Psychol 3): of all repeats, for the r of one half and times 2.
func SpearmanBrown(r, times float64) float64 { return times * r / (1 + (times-1)*r) }

func checkRepeats(repeats []blas32.General) error {
	if len(repeats) < 2 {
		return fmt.Errorf("noise ceiling: wanted 2 repeats at least, found %d", len(repeats))
	}
	for k, r := range repeats {
		names := matrix.Names{Matrix: fmt.Sprintf("repeat %d", k), Row: "image", Col: "voxel"}
		if err := matrix.Check(r, names); err != nil {
			return err
		}
		if r.Rows != repeats[0].Rows || r.Cols != repeats[0].Cols {
			return fmt.Errorf("noise ceiling: repeat 0 has %d images × %d voxels, repeat %d has %d × %d",
				repeats[0].Rows, repeats[0].Cols, k, r.Rows, r.Cols)
		}
	}
	if repeats[0].Rows < 2 {
		return fmt.Errorf("noise ceiling: wanted 2 images at least, found %d", repeats[0].Rows)
	}
	return nil
}
