//go:build noasm || !amd64

package dense

func available() ([]*kernel[float32], []*kernel[float64]) {
	return []*kernel[float32]{&portable32}, []*kernel[float64]{&portable64}
}
