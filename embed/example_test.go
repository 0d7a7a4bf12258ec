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

// A query for an image, more of a text and less of another one.
func ExampleCombine() {
	image, night, people := embed.Vector{1, 0, 0}, embed.Vector{0, 1, 0}, embed.Vector{0, 0, 1}
	query, err := embed.Combine([]embed.Weighted{{Vector: image, Weight: 1}, {Vector: night, Weight: .5}, {Vector: people, Weight: -.5}})
	fmt.Printf("%.3f %v\n", query, err)
	// Output: [0.816 0.408 -0.408] <nil>
}
