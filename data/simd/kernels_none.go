//go:build noasm || (!amd64 && !arm64)

package simd

func available() []*Kernels { return []*Kernels{&portable} }
