package dense

import "unsafe"

const portableTile = 4

var (
	portable32 = kernel[float32]{"portable", portableTile, portableTile, addPortable[float32]}
	portable64 = kernel[float64]{"portable", portableTile, portableTile, addPortable[float64]}
)

// addPortable is the twin of the assembly, tile by tile of 4×4.
func addPortable[T Float](depth int, a, b, c *T, step int) {
	as, bs := unsafe.Slice(a, portableTile*depth), unsafe.Slice(b, portableTile*depth)
	cs := unsafe.Slice(c, (portableTile-1)*step+portableTile)
	var sum [portableTile][portableTile]T
	for k := 0; k < len(as); k += portableTile {
		x, y := as[k:k+portableTile], bs[k:k+portableTile]
		for i, u := range x {
			row := &sum[i]
			row[0] += u * y[0]
			row[1] += u * y[1]
			row[2] += u * y[2]
			row[3] += u * y[3]
		}
	}
	for i := range sum {
		row := cs[i*step:][:portableTile]
		for j := range row {
			row[j] += sum[i][j]
		}
	}
}
