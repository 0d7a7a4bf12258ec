package invariants_test

import (
	"fmt"
	"slices"

	"engram/index/internal/invariants"
)

func Example() {
	ids := []int{3, 7, 9}
	if invariants.Enabled {
		invariants.Check(slices.IsSorted(ids), "ids %v are not in order", ids)
	}
	fmt.Println(ids)
	// Output: [3 7 9]
}
