package simd_test

import (
	"fmt"

	"engram/embed/pixels/internal/simd"
)

func Example() {
	luma, cb, cr := []byte{76, 255}, []byte{85, 128}, []byte{255, 128}
	out := make([]byte, 6)
	simd.Best().ToRGB(out, luma, cb, cr)
	fmt.Printf("%d\n", out)
	// Output: [254 0 0 255 255 255]
}
