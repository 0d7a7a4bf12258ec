package pixels

import "fmt"

// rows takes an image row by row and shrinks it on the way: each pixel of the
// result is the mean of shrink×shrink, at the right and lower edge of what is
// there. The rows of one row of the result come together, in any order.
type rows struct {
	out    *Image
	w, h   int // of the image that comes in
	shrink int
	sums   []uint32 // of the row of the result that is under way
	seen   []bool
	count  int
}

// newRows prepares for an image of w×h pixels.
func newRows(w, h, shrink int) *rows {
	r := &rows{w: w, h: h, shrink: shrink, out: newImage(divideUp(w, shrink), divideUp(h, shrink)), seen: make([]bool, h)}
	if shrink > 1 {
		r.sums = make([]uint32, 3*r.out.W)
	}
	return r
}

// divideUp returns n/by, rounded up.
func divideUp(n, by int) int { return (n + by - 1) / by }

// line returns memory for row y, to be filled before put is called.
func (r *rows) line(y int, buf *[]byte) []byte {
	if r.shrink == 1 {
		return r.out.row(y)
	}
	if len(*buf) < 3*r.w {
		*buf = make([]byte, 3*r.w)
	}
	return (*buf)[:3*r.w]
}

// put takes row y, which line gave out.
func (r *rows) put(y int, line []byte) {
	r.seen[y] = true
	r.count++
	if r.shrink == 1 {
		return
	}
	first := y / r.shrink * r.shrink
	last := min(first+r.shrink, r.h)
	for x := range r.w {
		at := 3 * (x / r.shrink)
		for c := range 3 {
			r.sums[at+c] += uint32(line[3*x+c])
		}
	}
	for i := first; i < last; i++ {
		if !r.seen[i] {
			return
		}
	}
	r.flush(y/r.shrink, last-first)
}

// flush writes a row of the result from the sums of n rows.
func (r *rows) flush(row, n int) {
	out := r.out.row(row)
	for x := range r.out.W {
		area := uint32(n * min(r.shrink, r.w-x*r.shrink))
		for c := range 3 {
			out[3*x+c] = byte((r.sums[3*x+c] + area/2) / area)
		}
	}
	clear(r.sums)
}

// image returns the result. Rows that never came are grey; it fails where that are
// more than half.
func (r *rows) image() (*Image, error) {
	if err := enough(r.count, r.h, "rows"); err != nil {
		return nil, err
	}
	if r.count < r.h {
		r.out.Incomplete = true
		for y := range r.out.H {
			for i := y * r.shrink; i < min((y+1)*r.shrink, r.h); i++ {
				if !r.seen[i] {
					fill(r.out.row(y), missing)
					break
				}
			}
		}
	}
	return r.out, nil
}

// missing is the value of channels that a file ended before: mid-grey, as in
// libjpeg.
const missing = 128

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// enough decides whether an incomplete image is shown: half of it has to be there.
func enough(have, want int, what string) error {
	if 2*have < want || have == 0 {
		return fmt.Errorf("file ends or is damaged after %d of %d %s: %w", have, want, what, ErrCorrupt)
	}
	return nil
}

// shrunk returns an image divided by shrink along both sides.
func (m *Image) shrunk(shrink int) *Image {
	if shrink == 1 {
		return m
	}
	r := newRows(m.W, m.H, shrink)
	for y := range m.H {
		r.put(y, m.row(y))
	}
	r.out.Incomplete = m.Incomplete
	return r.out
}
