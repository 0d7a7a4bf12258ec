package scenes

import (
	"math"
	"slices"
)

// point is a place on a drawing, x to the right and y down.
type point struct{ x, y float64 }

// shape is an area: the union of polygons that run the same way round.
type shape [][]point

// plus returns a + b·c. The product is rounded before the sum, so that no
// compiler fuses the two and every machine gets the same bits: a conversion is
// a promise to round. So are the operands, which may be products themselves
// where the call is inlined. What is added elsewhere in this package is no
// product or one with a half, a quarter or an eighth, which is exact.
func plus(a, b, c float64) float64 { return float64(a) + float64(float64(b)*float64(c)) }

// along returns the point at t of the way from p to q.
func along(p, q point, t float64) point {
	return point{plus(p.x, q.x-p.x, t), plus(p.y, q.y-p.y, t)}
}

// poly returns the polygon through points given as x, y, x, y, ….
func poly(xy ...float64) shape {
	return shape{clockwise(points(xy))}
}

// box returns the rectangle with these corners.
func box(left, top, right, bottom float64) shape {
	return poly(left, top, right, top, right, bottom, left, bottom)
}

// turns holds the cosine and the sine of each sixteenth of a right angle, from
// 0 to a full turn. They are written down, since math.Cos may differ in its last
// bit between machines.
var turns = func() [64]point {
	quarter := [16]float64{ // cosines
		1, 0.9951847266721969, 0.9807852804032304, 0.9569403357322088,
		0.9238795325112867, 0.881921264348355, 0.8314696123025452, 0.773010453362737,
		0.7071067811865476, 0.6343932841636455, 0.5555702330196022, 0.4713967368259978,
		0.38268343236508984, 0.29028467725446233, 0.19509032201612833, 0.09801714032956077,
	}
	cos := func(i int) float64 {
		switch i %= 64; {
		case i < 16:
			return quarter[i]
		case i == 16 || i == 48:
			return 0
		case i < 32:
			return -quarter[32-i]
		case i == 32:
			return -1
		case i < 48:
			return -quarter[i-32]
		}
		return quarter[64-i]
	}
	var out [64]point
	for i := range out {
		out[i] = point{cos(i), cos(i + 48)}
	}
	return out
}()

// ellipse returns the ellipse around (x, y) with radii rx and ry.
func ellipse(x, y, rx, ry float64) shape {
	out := make([]point, len(turns))
	for i, t := range turns {
		out[i] = point{plus(x, rx, t.x), plus(y, ry, t.y)}
	}
	return shape{out}
}

// disc returns the circle around (x, y).
func disc(x, y, r float64) shape { return ellipse(x, y, r, r) }

// ring returns the circle around (x, y) of radius r, drawn with a pen of width w.
func ring(x, y, r, w float64) shape {
	hole := disc(x, y, r-w/2)
	slices.Reverse(hole[0])
	return union(disc(x, y, r+w/2), hole)
}

// blob returns the area within a smooth closed line through points given as
// x, y, x, y, …: a closed Catmull-Rom spline.
func blob(xy ...float64) shape {
	p := points(xy)
	n := len(p)
	var out []point
	for i := range p {
		out = spline(out, p[(i+n-1)%n], p[i], p[(i+1)%n], p[(i+2)%n])
	}
	return shape{clockwise(out)}
}

// limb returns a smooth line through points given as x, y, x, y, …, drawn with
// a round pen whose width goes from w0 to w1.
func limb(w0, w1 float64, xy ...float64) shape {
	p := points(xy)
	var line []point
	for i := range len(p) - 1 {
		line = spline(line, p[max(i-1, 0)], p[i], p[i+1], p[min(i+2, len(p)-1)])
	}
	line = append(line, p[len(p)-1])
	var left, right []point
	for i, q := range line {
		before, after := line[max(i-1, 0)], line[min(i+1, len(line)-1)]
		dx, dy := after.x-before.x, after.y-before.y
		length := math.Sqrt(plus(float64(dx*dx), dy, dy))
		half := plus(w0, w1-w0, float64(i)/float64(len(line)-1)) / 2 / length
		left = append(left, point{plus(q.x, half, dy), plus(q.y, -half, dx)})
		right = append(right, point{plus(q.x, -half, dy), plus(q.y, half, dx)})
	}
	slices.Reverse(right)
	outline := shape{clockwise(append(left, right...))}
	first, last := line[0], line[len(line)-1]
	return union(outline, disc(first.x, first.y, w0/2), disc(last.x, last.y, w1/2))
}

// line returns the straight line between two points, drawn with a pen of width w.
func line(w, x0, y0, x1, y1 float64) shape { return limb(w, w, x0, y0, x1, y1) }

// union returns the shapes as one.
func union(shapes ...shape) shape { return slices.Concat(shapes...) }

// spline appends the part from b to c, without c, of the Catmull-Rom spline
// through a, b, c and d.
func spline(out []point, a, b, c, d point) []point {
	const steps = 8
	// The same curve by Bézier, and de Casteljau's construction of its points.
	b1 := point{plus(b.x, c.x-a.x, 1./6), plus(b.y, c.y-a.y, 1./6)}
	c1 := point{plus(c.x, b.x-d.x, 1./6), plus(c.y, b.y-d.y, 1./6)}
	for i := range steps {
		t := float64(i) / steps
		p, q, r := along(b, b1, t), along(b1, c1, t), along(c1, c, t)
		out = append(out, along(along(p, q, t), along(q, r, t), t))
	}
	return out
}

// points pairs coordinates.
func points(xy []float64) []point {
	out := make([]point, len(xy)/2)
	for i := range out {
		out[i] = point{xy[2*i], xy[2*i+1]}
	}
	return out
}

// clockwise turns a polygon that runs the other way round, so that it does not
// cancel what it overlaps in a union.
func clockwise(p []point) []point {
	area := 0.
	for i, a := range p {
		b := p[(i+1)%len(p)]
		area += float64(a.x*b.y) - float64(b.x*a.y)
	}
	if area < 0 {
		slices.Reverse(p)
	}
	return p
}

// extent is the smallest rectangle around something.
type extent struct{ left, top, right, bottom float64 }

// nowhere is the empty extent.
var nowhere = extent{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

// around returns the extent of e and s.
func (e extent) around(s shape) extent {
	for _, polygon := range s {
		for _, p := range polygon {
			e.left, e.right = min(e.left, p.x), max(e.right, p.x)
			e.top, e.bottom = min(e.top, p.y), max(e.bottom, p.y)
		}
	}
	return e
}
