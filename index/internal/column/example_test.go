package column_test

import (
	"fmt"

	"engram/index/internal/column"
)

func Example() {
	rows := column.New(4, 1)
	copy(rows.Vector(0), []float32{0.5, -0.25, 0, 0.1})
	rows.Quantise(0)
	fmt.Printf("%d × %.6f\n", rows.Code(0), rows.Scales[0])
	// Output: [127 -64 0 25] × 0.003937
}
