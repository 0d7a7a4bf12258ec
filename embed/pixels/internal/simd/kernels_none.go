//go:build noasm || !amd64

package simd

func available() []*Kernels { return []*Kernels{&portable} }
