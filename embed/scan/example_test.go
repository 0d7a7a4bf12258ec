package scan_test

import (
	"context"
	"fmt"

	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// Three voxels answer to one feature of what was seen; the ridge finds it and
// predicts the feature of a new trial.
func ExampleFitRidge() {
	voxels := blas32.General{Rows: 4, Cols: 3, Stride: 3, Data: []float32{
		1, 2, 7,
		2, 4, 7,
		3, 6, 7,
		4, 8, 7,
	}}
	seen := blas32.General{Rows: 4, Cols: 1, Stride: 1, Data: []float32{10, 20, 30, 40}}

	z, err := scan.FitZScore(voxels)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := z.Apply(voxels); err != nil {
		fmt.Println(err)
		return
	}
	ridge, err := scan.FitRidge(context.Background(), voxels, seen, scan.RidgeOptions{Lambda: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	trial := blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: []float32{2.5, 5, 7}}
	if err := z.Apply(trial); err != nil {
		fmt.Println(err)
		return
	}
	predicted, err := ridge.Predict(trial)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f\n", predicted.Data[0])
	// Output: 25.0
}
