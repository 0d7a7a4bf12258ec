package study

import (
	"math"
	"math/rand/v2"
	"slices"

	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// Noisy returns the voxels of trials, [trials, V], with noise whose standard
// deviation is level times what it was. What is added to a trial is the deviation of
// a random trial from the mean of its own image, scaled: with r trials of the image
// such a deviation has (r−1)/r of the noise's variance. Images that were seen once
// lend none. A level of 1 returns the voxels as they are.
func Noisy(data scan.Data, level float64, seed uint64) blas32.General {
	if level <= 1 {
		return data.Voxels
	}
	v := data.Voxels.Cols
	sums, counts := map[int][]float64{}, map[int]int{}
	for trial, image := range data.Images {
		if sums[image] == nil {
			sums[image] = make([]float64, v)
		}
		counts[image]++
		for j, x := range row(data.Voxels, trial) {
			sums[image][j] += float64(x)
		}
	}
	var lenders []int
	for trial, image := range data.Images {
		if counts[image] > 1 {
			lenders = append(lenders, trial)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 6))
	out := blas32.General{Rows: data.Voxels.Rows, Cols: v, Stride: v, Data: make([]float32, 0, data.Voxels.Rows*v)}
	for trial := range data.Images {
		out.Data = append(out.Data, row(data.Voxels, trial)...)
		to := row(out, trial)
		from := lenders[rng.IntN(len(lenders))]
		r := float64(counts[data.Images[from]])
		scale := math.Sqrt((level*level - 1) * r / (r - 1))
		for j, x := range row(data.Voxels, from) {
			to[j] += float32(scale * (float64(x) - sums[data.Images[from]][j]/r))
		}
	}
	return out
}

func row(m blas32.General, i int) []float32 { return m.Data[i*m.Stride:][:m.Cols] }

// drawn returns the data of a cell: the trials of its training images, and of test
// images with targets of their own.
func (d *Design) drawn(data scan.Data, cell Cell) (train, test scan.Data) {
	images := imagesOf(data)
	rand.New(rand.NewPCG(cell.Seed, 7)).Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
	data.Voxels = Noisy(data, cell.Noise, cell.Seed)
	test = only(data, images[:d.Test])
	return only(data, images[d.Test:][:cell.Images]), test
}

// only returns the trials and targets of some images.
func only(data scan.Data, images []int) scan.Data {
	images = slices.Sorted(slices.Values(images))
	out := scan.Data{T: data.T, D: data.D}
	place := map[int]int{}
	for i, image := range images {
		place[image] = i
		out.Targets.Data = append(out.Targets.Data, row(data.Targets, image)...)
	}
	out.Targets.Rows, out.Targets.Cols, out.Targets.Stride = len(images), data.Targets.Cols, data.Targets.Cols
	for trial, image := range data.Images {
		if at, chosen := place[image]; chosen {
			out.Images = append(out.Images, at)
			out.Voxels.Data = append(out.Voxels.Data, row(data.Voxels, trial)...)
		}
	}
	out.Voxels.Rows, out.Voxels.Cols, out.Voxels.Stride = len(out.Images), data.Voxels.Cols, data.Voxels.Cols
	return out
}
