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
	images := blas32.General{Rows: 3, Cols: 2, Stride: 2, Data: []float32{1, 0, 0, 1, -1, 0}}
	predicted := blas32.General{Rows: 3, Cols: 2, Stride: 2, Data: []float32{3, 1, 1, 4, -1, 2}}

	sim, err := eval.Similarity(context.Background(), eval.Cosine, images, predicted)
	if err != nil {
		fmt.Println(err)
		return
	}
	twoWay, err := eval.TwoWay(sim)
	if err != nil {
		fmt.Println(err)
		return
	}
	ranks, err := eval.Ranks(sim)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("two-way %.2f, ranks %v, top-1 %.2f\n", twoWay, ranks, eval.TopK(ranks, 1))
	// Output: two-way 0.83, ranks [1 1 2], top-1 0.67
}
