package glassbrain_test

import (
	"fmt"

	"engram/data/nifti"
	"engram/embed/glassbrain"
)

// Two voxels behind each other are one pixel from behind, with the stronger value.
func ExampleBrain_Project() {
	mask := &nifti.Mask{Shape: [3]int{1, 2, 1}, Index: []int{0, 1}}
	brain, err := glassbrain.New(mask, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	pixels, err := brain.Project([]float32{0.5, -2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, view := range brain.Views() {
		fmt.Println(view.Name, "from", view.From, view.Width, "x", view.Height, pixels[i])
	}
	// Output:
	// axial from above 3 x 4 [NaN NaN NaN NaN -2 NaN NaN 0.5 NaN NaN NaN NaN]
	// coronal from behind 3 x 3 [NaN NaN NaN NaN -2 NaN NaN NaN NaN]
	// sagittal from right 4 x 3 [NaN NaN NaN NaN NaN 0.5 -2 NaN NaN NaN NaN NaN]
}
