package dense

// maxTile bounds the rows and the columns of a kernel's tile.
const maxTile = 32

// kernel adds to a tile of C, [rows, cols], with so many elements from a row to
// the next, the product of packed A, [depth, rows], and packed B, [depth, cols].
type kernel[T Float] struct {
	name       string
	rows, cols int
	add        func(depth int, a, b, c *T, step int)
}

// best returns the fastest kernel that the processor runs.
func best[T Float]() *kernel[T] { return kernels[T]()[0] }

// kernels returns all kernels that the processor runs, the fastest first.
func kernels[T Float]() []*kernel[T] {
	single, double := available()
	if k, ok := any(single).([]*kernel[T]); ok {
		return k
	}
	return any(double).([]*kernel[T])
}
