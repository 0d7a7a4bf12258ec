package index_test

import (
	"errors"
	"fmt"

	"engram/index"
)

// An index that was made with one bundle refuses the queries of another.
func ExampleCheckBundle() {
	info := index.Info{Bundle: "5f3a9c0e1b2d", BundleName: "clip-vit-b32 1.0"}
	err := index.CheckBundle(info, "9e8d7c6b5a40", "mobilenetv2 1.0")
	fmt.Println(errors.Is(err, index.ErrBundle))
	fmt.Println(err)
	// Output:
	// true
	// the index was made with bundle clip-vit-b32 1.0 (5f3a9c0e1b2d), the query with mobilenetv2 1.0 (9e8d7c6b5a40): another bundle
}
