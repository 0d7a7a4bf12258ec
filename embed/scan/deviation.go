package scan

import (
	"fmt"
	"math"
)

// MostDeviation bounds the deviation of scans that a confidence holds for. Scans of the
// demo's subject and of digits69 that were left out of training lie below 2 (see NOTES.md).
const MostDeviation = 3

// Deviation returns how far a scan, [V], lies from the training trials: the root mean
// square of its z-scored voxels, in standard deviations. It is near 1 for a scan that was
// measured and prepared as the training trials were; a scan in other units is far away,
// and its prediction is surer than any that a confidence was calibrated on. known is false
// for a decoder that was made elsewhere. The first call reads the z-scores of training.
func (d *Decoder) Deviation(voxels []float32) (deviation float64, known bool, err error) {
	z, err := d.zscore()
	if err != nil || z == nil {
		return 0, false, err
	}
	if len(voxels) != len(z.Mean) {
		return 0, false, fmt.Errorf("voxels: the decoder reads %d voxels, the scan has %d", len(z.Mean), len(voxels))
	}
	var sum float64
	for v, x := range voxels {
		one := (float64(x) - float64(z.Mean[v])) * float64(z.Scale[v])
		sum += one * one
	}
	return math.Sqrt(sum / float64(len(voxels))), true, nil
}

// ZScored returns the mean over the repeats of a scan, [repeats][V], as z-scores of each
// voxel's training trials. known is false for a decoder that was made elsewhere.
func (d *Decoder) ZScored(repeats [][]float32) (voxels []float32, known bool, err error) {
	z, err := d.zscore()
	if err != nil || z == nil {
		return nil, false, err
	}
	mean, err := MeanOfRepeats(repeats, len(z.Mean))
	if err != nil {
		return nil, false, err
	}
	for v := range mean {
		mean[v] = (mean[v] - z.Mean[v]) * z.Scale[v]
	}
	return mean, true, nil
}

// readZScore reads the z-scores of training; nil for a decoder that was made elsewhere.
func readZScore(from arrays) (*ZScore, error) {
	if from == nil {
		return nil, nil
	}
	mean, err := from(meanName)
	if err != nil {
		return nil, err
	}
	scale, err := from(scaleName)
	return &ZScore{Mean: mean, Scale: scale}, err
}
