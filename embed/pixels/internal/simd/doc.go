// Package simd has the inner loops of decoding a JPEG and of resizing an image: the
// inverse DCT, upsampling of chroma, conversion of YCbCr to RGB, and the two passes
// of a resize in fixed point.
//
// Every kernel exists as portable Go and, on amd64, in assembly for AVX2. Best picks
// the fastest that the processor runs; All lists them, so that tests compare each with
// the portable twin. All give the same bytes for every input. The build tag noasm
// leaves the portable one alone.
package simd
