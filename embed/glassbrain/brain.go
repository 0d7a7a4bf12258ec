package glassbrain

import (
	"fmt"
	"math"

	"engram/data/nifti"
)

// Region is a region of interest.
type Region struct {
	Name   string
	Voxels []int // columns of a scan, which are positions in Mask.Index
}

// Brain knows where the voxels of a scan lie and what they belong to. It never changes
// and is safe for concurrent use.
type Brain struct {
	regions []Region
	places  [][3]int   // of each voxel: to the right, to the front, up, from 0
	size    [3]int     // of the box around the voxels, with a margin of one voxel
	edges   [3]float64 // of a voxel in millimetres, in these directions
	views   []View
}

// New returns the brain of a mask's voxels. Without an affine the axes of the volume
// are taken to grow to the right, to the front and up, and without a size a voxel is a
// cube.
func New(mask *nifti.Mask, regions []Region) (*Brain, error) {
	if len(mask.Index) == 0 {
		return nil, fmt.Errorf("glass brain: the mask has no voxels")
	}
	for _, r := range regions {
		for _, v := range r.Voxels {
			if v < 0 || v >= len(mask.Index) {
				return nil, fmt.Errorf("glass brain: region %q has voxel %d, the mask has %d voxels", r.Name, v, len(mask.Index))
			}
		}
	}
	b := &Brain{regions: regions}
	b.place(mask)
	b.views = make([]View, len(planes))
	for i := range planes {
		b.views[i] = b.view(i)
	}
	return b, nil
}

// Voxels returns how many voxels a scan of the brain has.
func (b *Brain) Voxels() int { return len(b.places) }

// Regions returns the regions. Do not change them.
func (b *Brain) Regions() []Region { return b.regions }

// Views returns the three views. Do not change them.
func (b *Brain) Views() []View { return b.views }

// place finds the places of the voxels in directions of the body.
func (b *Brain) place(mask *nifti.Mask) {
	axes, signs := directions(mask.Geometry.Affine)
	for d, axis := range axes {
		if b.edges[d] = mask.Geometry.VoxelSize[axis]; !(b.edges[d] > 0) {
			b.edges[d] = 1
		}
	}
	low, high := [3]int{math.MaxInt, math.MaxInt, math.MaxInt}, [3]int{math.MinInt, math.MinInt, math.MinInt}
	b.places = make([][3]int, len(mask.Index))
	for i, index := range mask.Index {
		at := [3]int{index / (mask.Shape[1] * mask.Shape[2]), index / mask.Shape[2] % mask.Shape[1], index % mask.Shape[2]}
		for d, axis := range axes {
			b.places[i][d] = signs[d] * at[axis]
			low[d], high[d] = min(low[d], b.places[i][d]), max(high[d], b.places[i][d])
		}
	}
	for d := range low {
		b.size[d] = high[d] - low[d] + 3
		for i := range b.places {
			b.places[i][d] += 1 - low[d]
		}
	}
}

// directions returns the axis of the volume that is nearest to each direction of the
// body, right, front and up, and its sign.
func directions(affine nifti.Affine) (axes, signs [3]int) {
	if (affine == nifti.Affine{}) {
		return [3]int{0, 1, 2}, [3]int{1, 1, 1}
	}
	var length [3]float64 // of a step along an axis
	for axis := range length {
		length[axis] = math.Hypot(math.Hypot(affine[0][axis], affine[1][axis]), affine[2][axis])
	}
	var takenAxis, takenDirection [3]bool
	for range 3 {
		best, bestAxis, bestDirection := -1.0, 0, 0
		for d := range 3 {
			for axis := range 3 {
				cosine := math.Abs(affine[d][axis]) / max(length[axis], math.SmallestNonzeroFloat64)
				if !takenAxis[axis] && !takenDirection[d] && cosine > best {
					best, bestAxis, bestDirection = cosine, axis, d
				}
			}
		}
		takenAxis[bestAxis], takenDirection[bestDirection] = true, true
		axes[bestDirection], signs[bestDirection] = bestAxis, 1
		if affine[bestDirection][bestAxis] < 0 {
			signs[bestDirection] = -1
		}
	}
	return axes, signs
}
