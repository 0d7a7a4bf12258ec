package scenes

import (
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// tile is the greatest side that the rasteriser fills in fixed point, and so
// the same everywhere: golang.org/x/image/vector turns to floating point above.
const tile = 512

// canvas is a square picture under the brush.
type canvas struct {
	size   int
	pix    []uint8 // packed RGB
	raster vector.Rasterizer
	mask   *image.Alpha // what the shape covers of the tile
	second *image.Alpha // what the shape laid over it covers
}

func newCanvas(pix []uint8, size int) *canvas {
	n := min(size, tile)
	bounds := image.Rect(0, 0, n, n)
	return &canvas{size: size, pix: pix, mask: image.NewAlpha(bounds), second: image.NewAlpha(bounds)}
}

// frame maps the coordinates of a drawing to pixels: x becomes x0 + x·dx.
type frame struct{ x0, dx, y0, dy float64 }

// whole is the frame of a drawing that fills the picture with its 100 × 100 units.
func (c *canvas) whole() frame {
	return frame{dx: float64(c.size) / 100, dy: float64(c.size) / 100}
}

// at returns where p is on the canvas. It is kept within bounds that the
// rasteriser's integers hold.
func (f frame) at(p point) (x, y float32) {
	const far = 1 << 15
	x, y = float32(plus(f.x0, p.x, f.dx)), float32(plus(f.y0, p.y, f.dy))
	return max(-far, min(x, far)), max(-far, min(y, far))
}

// fill is how a shape is filled.
type fill struct {
	// top and bottom are the colours at these heights of the drawing; between
	// them they blend.
	top, bottom         rgb
	topEdge, bottomEdge float64
	// opaque is from 0 to 256.
	opaque int
}

// flat returns the fill in one colour.
func flat(c rgb, opaque int) fill {
	return fill{top: c, bottom: c, bottomEdge: 1, opaque: opaque}
}

// paint fills s, or where over is not nil the part of s that over covers too.
func (c *canvas) paint(f frame, s, over shape, how fill) {
	bounds := c.bounds(f, s)
	for top := bounds.Min.Y; top < bounds.Max.Y; top += tile {
		for left := bounds.Min.X; left < bounds.Max.X; left += tile {
			r := image.Rect(left, top, left+tile, top+tile).Intersect(bounds)
			c.cover(c.mask, f, s, r)
			if over != nil {
				c.cover(c.second, f, over, r)
				for y := range r.Dy() {
					a, b := c.mask.Pix[y*c.mask.Stride:], c.second.Pix[y*c.mask.Stride:]
					for x := range r.Dx() {
						a[x] = uint8(int(a[x]) * int(b[x]) / 255)
					}
				}
			}
			c.blend(f, r, how)
		}
	}
}

// bounds returns the pixels that s may touch.
func (c *canvas) bounds(f frame, s shape) image.Rectangle {
	e := nowhere.around(s)
	x0, y0 := f.at(point{e.left, e.top})
	x1, y1 := f.at(point{e.right, e.bottom})
	x0, x1 = min(x0, x1), max(x0, x1)
	floor := func(v float32) int { return int(math.Floor(float64(v))) }
	return image.Rect(floor(x0), floor(y0), floor(x1)+1, floor(y1)+1).Intersect(image.Rect(0, 0, c.size, c.size))
}

// cover writes to m which part of each pixel of r is in s.
func (c *canvas) cover(m *image.Alpha, f frame, s shape, r image.Rectangle) {
	c.raster.Reset(r.Dx(), r.Dy())
	c.raster.DrawOp = draw.Src
	f.x0, f.y0 = f.x0-float64(r.Min.X), f.y0-float64(r.Min.Y)
	for _, polygon := range s {
		for i, p := range polygon {
			if x, y := f.at(p); i == 0 {
				c.raster.MoveTo(x, y)
			} else {
				c.raster.LineTo(x, y)
			}
		}
		c.raster.ClosePath()
	}
	c.raster.Draw(m, image.Rect(0, 0, r.Dx(), r.Dy()), image.Opaque, image.Point{})
}

// blend lays the colours of the fill over the pixels of r, as much as the mask
// covers them.
func (c *canvas) blend(f frame, r image.Rectangle, how fill) {
	y0, span := plus(f.y0, how.topEdge, f.dy), float64((how.bottomEdge-how.topEdge)*f.dy)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		colour := how.top
		if how.top != how.bottom {
			t := (float64(y) + 0.5 - y0) / span * 256
			colour = mix(how.top, how.bottom, int(max(0, min(t, 256))))
		}
		mask := c.mask.Pix[(y-r.Min.Y)*c.mask.Stride:][:r.Dx()]
		row := c.pix[3*(y*c.size+r.Min.X):][:3*r.Dx()]
		for x, m := range mask {
			if m == 0 {
				continue
			}
			n := (int(m)*how.opaque + 128) / 255
			p := row[3*x : 3*x+3 : 3*x+3]
			p[0] = uint8((int(p[0])*(256-n) + int(colour.r)*n + 128) >> 8)
			p[1] = uint8((int(p[1])*(256-n) + int(colour.g)*n + 128) >> 8)
			p[2] = uint8((int(p[2])*(256-n) + int(colour.b)*n + 128) >> 8)
		}
	}
}
