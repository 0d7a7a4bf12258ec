package voxels_test

import (
	"fmt"

	"engram/data/nifti"
	"engram/embed/voxels"
)

// Two masks of two voxels are not the same voxels.
func ExampleOrder_Check() {
	shape := [3]int{2, 2, 2}
	decoder := voxels.OfMask(&nifti.Mask{Shape: shape, Index: []int{0, 3}})
	scan := voxels.OfMask(&nifti.Mask{Shape: shape, Index: []int{0, 4}})
	_, err := decoder.Check(scan)
	fmt.Println(err)
	// Output: the decoder reads 2 voxels of another mask (a2460915ceea, the scan's is 452de775cb70): other voxels
}
