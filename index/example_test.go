package index_test

import (
	"errors"
	"fmt"

	"engram/data/space"
	"engram/index"
)

// An index that was made with one model refuses the queries of another.
func ExampleInfo_CheckSpace() {
	info := index.Info{Space: space.Space{Name: "clip-vit-b32 1.0", Fingerprint: "5f3a9c0e1b2d"}}
	err := info.CheckSpace(space.Space{Name: "mobilenetv2 1.0", Fingerprint: "9e8d7c6b5a40"})
	fmt.Println(errors.Is(err, index.ErrModel))
	fmt.Println(err)
	// Output:
	// true
	// the index was made with model clip-vit-b32 1.0 (5f3a9c0e1b2d), the query with mobilenetv2 1.0 (9e8d7c6b5a40): another model
}
