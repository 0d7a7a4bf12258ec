package embed_test

import (
	"errors"
	"fmt"

	"engram/embed"
)

// The dot product of vectors of unit length is their cosine.
func ExampleNormalize() {
	a, b := embed.Vector{3, 4}, embed.Vector{4, 3}
	for _, v := range []embed.Vector{a, b} {
		if err := embed.Normalize(v); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("cosine %.2f\n", embed.Dot(a, b))
	fmt.Println(errors.Is(embed.Normalize(embed.Vector{0, 0}), embed.ErrZero))
	// Output:
	// cosine 0.96
	// true
}
