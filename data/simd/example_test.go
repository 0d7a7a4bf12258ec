package simd_test

import (
	"fmt"

	"engram/data/simd"
)

func Example() {
	query := []float32{1, 2, 3}
	rows := []float32{
		1, 0, 0, 0, // padded to a stride of 4
		1, 1, 1, 0,
	}
	scores := make([]float32, 2)
	simd.Best().DotRows(scores, query, rows, 4)
	fmt.Println(scores)
	// Output: [1 6]
}
