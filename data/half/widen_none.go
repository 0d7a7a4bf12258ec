//go:build noasm || !amd64

package half

// widen leaves every element to portable Go.
func widen([]float32, []byte) int { return 0 }
