package pixels

import "engram/embed/pixels/internal/simd"

// scratch is the memory of one Apply, kept between calls.
type scratch struct {
	bytes  []byte
	floats []float32
}

// resizer resizes an image in two passes, one along rows and one along
// columns. P is the type of a sample between the passes, W the type of a weight.
type resizer[P byte | float32, W int32 | float32] struct {
	img    *Image
	x, y   axis[W]
	across func(out []P, in []byte, x axis[W])    // one row of the pass along rows
	down   func(out []P, rows [][]P, weights []W) // one row of the pass along columns
}

// rowsFirst passes along rows, then along columns, and calls emit for every
// row of the output from top to bottom. It keeps no more rows between the
// passes than one output row needs, so that they stay in the cache. *buf is
// memory that it may use and grow.
func (r *resizer[P, W]) rowsFirst(buf *[]P, emit func(row int, line []P)) {
	width, slots := 3*len(r.x.start), r.y.taps
	if cap(*buf) < (slots+1)*width {
		*buf = make([]P, (slots+1)*width)
	}
	ring, line := (*buf)[:slots*width], (*buf)[slots*width:][:width]
	rows := make([][]P, slots)
	next := 0 // the first source row that has not been in the ring
	for i, weights := range r.y.weight {
		start := r.y.start[i]
		for next = max(next, start); next < start+len(weights); next++ {
			r.across(ring[next%slots*width:][:width], r.img.row(next), r.x)
		}
		for j := range weights {
			rows[j] = ring[(start+j)%slots*width:][:width]
		}
		r.down(line, rows[:len(weights)], weights)
		emit(i, line)
	}
}

// columnsFirst passes along columns, then along rows.
func columnsFirst(r resizer[byte, int32], buf *[]byte, emit func(row int, line []byte)) {
	out, in := 3*len(r.x.start), 3*r.img.W
	if cap(*buf) < out+in {
		*buf = make([]byte, out+in)
	}
	line, tall := (*buf)[:out], (*buf)[out:][:in]
	rows := make([][]byte, r.y.taps)
	for i, weights := range r.y.weight {
		for j := range weights {
			rows[j] = r.img.row(r.y.start[i] + j)
		}
		r.down(tall, rows[:len(weights)], weights)
		r.across(line, tall, r.x)
		emit(i, line)
	}
}

// acrossFixed resizes one row of RGB in fixed point.
func acrossFixed(out, in []byte, x axis[int32]) {
	simd.Best().Across(out, in, x.start, x.weight)
}

// acrossFloat resizes one row of RGB to values in 0…1, which bicubic weights
// may leave a little.
func acrossFloat(out []float32, in []byte, x axis[float32]) {
	for i, weights := range x.weight {
		from := in[3*x.start[i]:][:3*len(weights)]
		var r, g, b float32
		for _, w := range weights {
			r += float32(from[0]) * w
			g += float32(from[1]) * w
			b += float32(from[2]) * w
			from = from[3:]
		}
		pixel := out[3*i:][:3]
		pixel[0], pixel[1], pixel[2] = r/255, g/255, b/255
	}
}

// downFloat adds rows up.
func downFloat(out []float32, rows [][]float32, weights []float32) {
	clear(out)
	for j, w := range weights {
		for i, v := range rows[j][:len(out)] {
			out[i] += v * w
		}
	}
}
