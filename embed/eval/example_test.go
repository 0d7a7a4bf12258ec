package eval_test

import (
	"context"
	"fmt"

	"engram/embed/eval"

	"gonum.org/v1/gonum/blas/blas32"
)

// Three predictions are compared with the images that were seen. The third is
// nearest to the second image.
func Example() {
	images := blas32.General{Rows: 3, Cols: 3, Stride: 3, Data: []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	predicted := blas32.General{Rows: 3, Cols: 3, Stride: 3, Data: []float32{3, 1, 0, 1, 4, 0, 0, 3, 2}}

	sim, err := eval.Compare(context.Background(), images, predicted, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := eval.Identify(sim)
	if err != nil {
		fmt.Println(err)
		return
	}
	top1 := eval.Wilson(found.ImageTop1, found.Predictions)
	fmt.Printf("two-way %.2f, image top-1 %s, chance %.2f\n", found.TwoWay, top1, found.Chance)
	// Output: two-way 0.83, image top-1  66.7 % (20.8–93.9), chance 0.33
}
