package glassbrain

import "slices"

// corner is a corner of a pixel.
type corner struct{ x, y int }

// leastOutline is how many corners an outline has at least: specks of one or two pixels,
// which sampling leaves at the rims of regions, are left out.
const leastOutline = 8

// outlines returns the outlines of the pixels inside without specks.
func outlines(inside []bool, width int) [][]int {
	return slices.DeleteFunc(loops(inside, width), func(line []int) bool { return len(line) < 2*leastOutline })
}

// loops returns the closed lines around the pixels inside, clockwise, and around holes
// counterclockwise, each as corners x0, y0, x1, y1, …. No pixel at the border is inside.
func loops(inside []bool, width int) [][]int {
	next := map[corner][]corner{} // the sides of pixels between inside and outside
	var starts []corner
	for at, in := range inside {
		if !in {
			continue
		}
		x, y := at%width, at/width
		side := func(neighbour int, from, to corner) {
			if !inside[neighbour] {
				next[from] = append(next[from], to)
				starts = append(starts, from)
			}
		}
		side(at-width, corner{x, y}, corner{x + 1, y})
		side(at+1, corner{x + 1, y}, corner{x + 1, y + 1})
		side(at+width, corner{x + 1, y + 1}, corner{x, y + 1})
		side(at-1, corner{x, y + 1}, corner{x, y})
	}
	var all [][]int
	for _, start := range starts {
		var line []int
		for c := start; len(next[c]) > 0; {
			line = append(line, c.x, c.y)
			to := next[c][0]
			next[c] = next[c][1:]
			c = to
		}
		if len(line) > 0 {
			all = append(all, line)
		}
	}
	return all
}
