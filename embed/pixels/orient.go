package pixels

// turn returns the image that a viewer shows for an EXIF orientation (Exif 2.3,
// section 4.6.4, tag 0x0112): m itself for 1, else a turned or mirrored copy.
func (m *Image) turn(orientation int) *Image {
	if orientation == 1 {
		return m
	}
	w, h := m.W, m.H
	// The stored pixel that is shown at column x and row y is origin + x·stepX
	// + y·stepY, counted in pixels.
	var origin, stepX, stepY int
	switch orientation {
	case 2: // mirrored left to right
		origin, stepX, stepY = w-1, -1, w
	case 3: // upside down
		origin, stepX, stepY = w*h-1, -1, -w
	case 4: // mirrored top to bottom
		origin, stepX, stepY = w*(h-1), 1, -w
	case 5: // transposed
		origin, stepX, stepY = 0, w, 1
	case 6: // to be turned right
		origin, stepX, stepY = w*(h-1), -w, 1
	case 7: // transposed on the other diagonal
		origin, stepX, stepY = w*h-1, -w, -1
	case 8: // to be turned left
		origin, stepX, stepY = w-1, w, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := newImage(w, h)
	out.Incomplete = m.Incomplete
	for y := range h {
		row := out.Pix[3*y*w : 3*(y+1)*w]
		for x := range w {
			from := 3 * (origin + x*stepX + y*stepY)
			copy(row[3*x:3*x+3], m.Pix[from:from+3])
		}
	}
	return out
}
