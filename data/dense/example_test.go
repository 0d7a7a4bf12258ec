package dense_test

import (
	"context"
	"fmt"
	"log"

	"engram/data/dense"
)

// Solves A·x = b for a symmetric positive definite A.
func Example() {
	ctx := context.Background()
	a := dense.Matrix[float64]{Rows: 2, Cols: 2, RowStep: 2, ColStep: 1, Data: []float64{4, 2, 2, 2}}
	factor, err := dense.Cholesky(ctx, a, nil)
	if err != nil {
		log.Fatal(err)
	}
	x := dense.New[float64](2, 1)
	copy(x.Data, []float64{8, 6})
	if err := factor.Forward(ctx, x); err != nil {
		log.Fatal(err)
	}
	if err := factor.Backward(ctx, x); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", x.Data)
	// Output: [1.0 2.0]
}
