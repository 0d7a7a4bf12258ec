package scenes

import (
	"fmt"
	"image"
)

// MaxSize is the greatest side of a picture in pixels.
const MaxSize = 4096

// Draw returns the picture of the scene, size×size pixels, opaque. It panics
// where size is not from 1 to MaxSize or a thing has a pose that its kind lacks.
func (s *Scene) Draw(size int) *image.RGBA {
	mustBeSize(size)
	rgb := make([]uint8, 3*size*size)
	s.DrawRGB(rgb, size)
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		copy(img.Pix[4*i:4*i+3], rgb[3*i:])
		img.Pix[4*i+3] = 0xFF
	}
	return img
}

// DrawRGB draws the scene to dst: size rows of size pixels of red, green and
// blue. It panics where dst is not 3·size² bytes long or size is not from 1 to
// MaxSize.
func (s *Scene) DrawRGB(dst []uint8, size int) {
	mustBeSize(size)
	if len(dst) != 3*size*size {
		panic(fmt.Sprintf("scenes: wanted %d bytes for %d×%d pixels, got %d", 3*size*size, size, size, len(dst)))
	}
	p := &painter{canvas: newCanvas(dst, size), scene: s, place: &backdrops[s.Background], climate: climateOf(s)}
	p.background(newDice(s.Detail, 1))
	surroundings := p.climate
	p.climate = surroundings.ofThings()
	for i := range s.Things {
		p.thing(&s.Things[i])
	}
	p.climate = surroundings
	p.precipitation(newDice(s.Detail, 2))
}

func mustBeSize(size int) {
	if size < 1 || size > MaxSize {
		panic(fmt.Sprintf("scenes: wanted a picture of 1 to %d pixels a side, got %d", MaxSize, size))
	}
}

// painter paints a scene.
type painter struct {
	*canvas
	climate
	scene *Scene
	place *backdrop
}

// lit returns what a colour looks like at that depth in the light and the
// weather of the scene.
func (p *painter) lit(c rgb, depth float64) rgb {
	return mix(times(c, p.light), p.haze, int(plus(p.nearHaze, p.farHaze-p.nearHaze, depth)))
}

// thing paints a thing and its shadow.
func (p *painter) thing(t *Thing) {
	k := &kinds[t.Kind]
	drawing := &drawings[t.Kind][t.Pose]
	e := drawing.extent
	f := t.frame(e, p.size)
	if k.On == ground {
		p.shadow(f, e)
	}
	coat := newCoat(t, e)
	p.outline(f, drawing, p.lit(mix(palette[t.Colour], p.rim, 150), t.Depth))
	for _, part := range drawing.Parts {
		c := p.lit(coat.colour(part.paint), t.Depth)
		if part.role == ofWindow && p.scene.Light == Night {
			c = lamplight
		}
		p.paint(f, part.shape, nil, shaded(c, e))
		if over := coat.over(part.role); over != nil {
			p.paint(f, part.shape, over, shaded(p.lit(coat.accent(part.paint), t.Depth), e))
		}
	}
}

// frame maps a drawing of that extent to the thing's box in a picture of size
// pixels a side.
func (t *Thing) frame(e extent, size int) frame {
	left, top := float64(t.Box.Left*float64(size)), float64(t.Box.Top*float64(size))
	dx := t.Box.Width * float64(size) / (e.right - e.left)
	dy := t.Box.Height * float64(size) / (e.bottom - e.top)
	if t.FacesLeft {
		return frame{x0: plus(left, e.right, dx), dx: -dx, y0: plus(top, -e.top, dy), dy: dy}
	}
	return frame{x0: plus(left, -e.left, dx), dx: dx, y0: plus(top, -e.top, dy), dy: dy}
}

// outline paints a thin rim around a thing, so that it stands out from what is
// behind it.
func (p *painter) outline(f frame, d *drawing, c rgb) {
	width := float64(float64(p.size) * 0.005)
	for _, way := range []point{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		shifted := f
		shifted.x0, shifted.y0 = plus(f.x0, width, way.x), plus(f.y0, width, way.y)
		p.paint(shifted, d.outline, nil, flat(c, 256))
	}
}

// shadow darkens the ground below a thing.
func (p *painter) shadow(f frame, e extent) {
	half := (e.right - e.left) / 2
	p.paint(f, ellipse(e.left+half, e.bottom-1, half, 4+half/20), nil, flat(black, p.shadowDepth))
	p.paint(f, ellipse(e.left+half, e.bottom-1, float64(half*0.8), 3), nil, flat(black, p.shadowDepth))
}

// shaded returns the fill of a part of a thing of that extent: lit from above.
func shaded(c rgb, e extent) fill {
	return fill{top: mix(c, white, 36), bottom: mix(c, black, 52), topEdge: e.top, bottomEdge: e.bottom, opaque: 256}
}

// coat is what a thing's paints look like.
type coat struct {
	thing          *Thing
	standing, flat shape // the pattern, and the one that lies
	skin, hair     rgb
}

func newCoat(t *Thing, e extent) *coat {
	d := newDice(t.Individual)
	c := &coat{thing: t, skin: of(d, skins), hair: of(d, hairs)}
	if t.Pattern != Plain {
		c.standing = pattern(t, e, d)
		c.flat = c.standing
		if t.Pattern == Striped && t.Kind.Category() == Animal {
			c.flat = lying(e, d)
		}
	}
	return c
}

// over returns the pattern that lies over parts of a role, nil where none does.
func (c *coat) over(r role) shape {
	switch r {
	case ofCoat:
		return c.standing
	case ofCoatLying:
		return c.flat
	}
	return nil
}

// colour returns the colour of a paint.
func (c *coat) colour(p paint) rgb {
	base := p.fixed
	switch p.role {
	case ofThing, ofCoat, ofCoatLying:
		base = palette[c.thing.Colour]
	case ofAccent:
		base = palette[c.thing.Accent]
	case ofSkin:
		base = c.skin
	case ofHair:
		base = c.hair
	case ofWindow:
		base = glass
	}
	return mix(base, p.toward, p.n)
}

// accent returns the colour of the pattern on a paint.
func (c *coat) accent(p paint) rgb { return mix(palette[c.thing.Accent], p.toward, p.n) }
