package eval

import (
	"fmt"
	"math"
	"slices"

	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// NoiseCeiling returns the share of a voxel's variance, 0 to 1, that a perfect
// model could explain in the mean of so many repeats. It follows from ncsnr, the
// voxel's ratio of the standard deviations of signal and noise: ncsnr²/(ncsnr² + 1/repeats) (Allen et al. 2022,
// Nat Neurosci 25:116, Methods). NSD gives it in per cent.
func NoiseCeiling(ncsnr float64, repeats int) float64 {
	return 1 / (1 + 1/(float64(repeats)*ncsnr*ncsnr))
}

// NCSNR estimates every voxel's ratio of signal to noise deviations from two
// repeats or more, each [images, voxels] with the same image in the same row.
// The noise variance is the variance over the repeats of an image, mean over
// images; the signal variance is the variance over all trials less the noise
// variance, at least 0 (Allen et al. 2022, as NoiseCeiling; both variances with
// divisor n−1). The ratio is 0 for a voxel that never varies and +Inf where all
// repeats agree exactly.
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

// SplitHalf returns, for every voxel, the correlation over images between two
// halves of the repeats (or the means of the halves), each [images, voxels]: the
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

// SpearmanBrown returns the reliability of a mean of more trials, given the
// reliability r of a mean of fewer: times is how many times more they are
// (Spearman 1910 and Brown 1910, Br J Psychol 3). With r of one half of the repeats
// and times 2, it is the reliability of all of them.
func SpearmanBrown(r, times float64) float64 { return times * r / (1 + (times-1)*r) }

// Ceiling sums up what limits every decoder of some scans: medians over the
// voxels of the images that were seen as often as Repeats says.
type Ceiling struct {
	Images  int     `json:"images"`
	Repeats int     `json:"repeats"`
	Voxels  int     `json:"voxels"`
	NCSNR   float64 `json:"ncsnr"`  // ratio of signal to noise deviations of one trial
	Single  float64 `json:"single"` // share of the variance of one trial that a model can explain
	Mean    float64 `json:"mean"`   // the same for the mean of all repeats
	// SplitHalf is the correlation of two halves of the repeats; one repeat is
	// left out where their number is odd.
	SplitHalf float64 `json:"split_half"`
	// SpearmanBrown is the reliability of the mean of all repeats that follows
	// from SplitHalf.
	SpearmanBrown float64 `json:"spearman_brown"`
}

// NewCeiling estimates the ceiling from two repeats or more, each
// [images, voxels] with the same image in the same row. It refuses repeats that
// agree exactly in most voxels: they are copies and no measurements.
func NewCeiling(repeats []blas32.General) (Ceiling, error) {
	ncsnr, err := NCSNR(repeats)
	if err != nil {
		return Ceiling{}, err
	}
	c := Ceiling{Images: repeats[0].Rows, Repeats: len(repeats), Voxels: repeats[0].Cols, NCSNR: median(ncsnr)}
	if math.IsInf(c.NCSNR, 1) {
		return Ceiling{}, fmt.Errorf("noise ceiling: most voxels are the same in all %d repeats: copies of a scan are no repeats", c.Repeats)
	}
	half := len(repeats) / 2
	halves, err := SplitHalf(meanOf(repeats[:half]), meanOf(repeats[half:2*half]))
	if err != nil {
		return Ceiling{}, err
	}
	c.Single, c.Mean = NoiseCeiling(c.NCSNR, 1), NoiseCeiling(c.NCSNR, c.Repeats)
	c.SplitHalf = median(halves)
	c.SpearmanBrown = SpearmanBrown(c.SplitHalf, float64(c.Repeats)/float64(half))
	return c, nil
}

// median returns the median of values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// meanOf returns the mean of matrices of one size.
func meanOf(repeats []blas32.General) blas32.General {
	mean := matrix.New(repeats[0].Rows, repeats[0].Cols)
	for _, r := range repeats {
		for i := range r.Rows {
			dst := matrix.Row(mean, i)
			for v, beta := range matrix.Row(r, i) {
				dst[v] += beta / float32(len(repeats))
			}
		}
	}
	return mean
}

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
