package scenes

// layer paints a shape of the background in one colour.
func (p *painter) layer(s shape, c rgb, depth float64) {
	p.paint(p.whole(), s, nil, flat(p.lit(c, depth), 256))
}

// band paints the picture from one height to another.
func (p *painter) band(top, bottom float64, high, low rgb, depth float64) {
	p.paint(p.whole(), box(-1, top, 101, bottom), nil, fill{
		top: p.lit(high, depth), bottom: p.lit(low, max(0, depth-0.5)), topEdge: top, bottomEdge: bottom, opaque: 256,
	})
}

// ground paints the ground from the horizon to the lower edge.
func (p *painter) ground() {
	b := p.place
	far, near := b.far, b.near
	if p.scene.Weather == Snow && p.scene.Background != Sea {
		far, near = mix(far, white, 130), mix(near, white, 130)
	}
	p.paint(p.whole(), box(-1, b.horizon, 101, 101), nil, fill{
		top: p.lit(far, 0.9), bottom: p.lit(near, 0), topEdge: b.horizon, bottomEdge: 100, opaque: 256,
	})
}

// ridge paints hills whose tops lie around y.
func (p *painter) ridge(d *dice, y, amplitude, depth float64, c rgb) {
	p.layer(skyline(d, y, amplitude, 101), c, depth)
}

// surf paints a line of foam under which the ground begins.
func (p *painter) surf(d *dice, y, amplitude, depth float64, foam, sand rgb) {
	edge := skyline(d, y, amplitude, 101)
	p.layer(edge, foam, depth)
	lower := make([]point, len(edge[0]))
	for i, q := range edge[0] {
		lower[i] = point{q.x, q.y + 1.6}
	}
	near := p.place.near
	p.paint(p.whole(), shape{lower}, nil, fill{
		top: p.lit(sand, depth), bottom: p.lit(near, 0), topEdge: y, bottomEdge: 100, opaque: 256,
	})
}

// skyline returns an area with a wavy upper edge around y.
func skyline(d *dice, y, amplitude, bottom float64) shape {
	xy := []float64{-10, bottom, -10, y}
	for x := 4.; x < 110; x += d.between(14, 26) {
		xy = append(xy, x, plus(y, amplitude, d.between(-0.5, 0.5)))
	}
	return blob(append(xy, 112, y, 112, bottom)...)
}

// woods paints a row of firs on the horizon.
func (p *painter) woods(d *dice, tall, depth float64, c rgb) {
	base := p.place.horizon + 2
	var s shape
	for x := d.between(-6, 0); x < 104; x += d.between(4, 8) {
		top, half := base-plus(0, tall, d.between(0.6, 1.15)), d.between(4, 6)
		s = append(s, poly(x, top, x+half, base, x-half, base)...)
	}
	p.layer(s, c, depth)
}

// peaks paints mountains with snow on their tops.
func (p *painter) peaks(d *dice, n int, depth float64, c rgb) {
	base := p.place.horizon + 2
	step := 100 / float64(n)
	for i := range n {
		x := plus(0, step, plus(0.5, 1, float64(i))) + d.between(-8, 8)
		top, half := d.between(8, 28), plus(8, step, d.between(0.7, 1.1))
		if depth > 0.7 {
			top -= 2
		} else {
			top += 8
		}
		p.layer(poly(x, top, x+half, base, x-half, base), c, depth)
		p.layer(poly(x, top, plus(x, half, 0.5), base, x+half, base), mix(c, black, 40), depth)
		a, b := along(point{x, top}, point{x - half, base}, 0.3), along(point{x, top}, point{x + half, base}, 0.3)
		p.layer(poly(x, top, b.x, b.y, x+2, b.y-2, x-1, b.y+2, a.x+3, a.y-2, a.x, a.y), hex(0xF2F5FA), depth)
	}
}

// facades paints the houses of a street.
func (p *painter) facades(d *dice) {
	walls := []rgb{hex(0xB9A58C), hex(0x9A8F9C), hex(0xA9B0A6), hex(0xB58F7C), hex(0x8D99A8)}
	for x := d.between(-14, -4); x < 100; {
		wide, top := d.between(16, 28), d.between(16, 34)
		p.layer(box(x, top, x+wide, 60), of(d, walls), 0.75)
		p.layer(box(x, top, x+wide, top+1.5), hex(0x6E6660), 0.75)
		for y := top + 5; y < 52; y += 8 {
			for wx := x + 2.5; wx < x+wide-4; wx += 6 {
				c := p.lit(hex(0x7D93A6), 0.75)
				if p.scene.Light == Night && d.percent(55) {
					c = p.afar(lamplight)
				}
				p.paint(p.whole(), box(wx, y, wx+3.2, y+4.6), nil, flat(c, 256))
			}
		}
		x += wide
	}
}

// afar returns a light seen from afar.
func (p *painter) afar(c rgb) rgb { return mix(c, p.haze, int(p.farHaze/2)) }

// swell paints waves from one height to another.
func (p *painter) swell(d *dice, top, bottom float64) {
	for range 26 {
		t := d.between(0, 1)
		y, long := plus(top, bottom-top, float64(t*t)), plus(3, 8, t)
		x := d.between(-5, 100)
		p.paint(p.whole(), limb(0.4, 0.4, x, y, plus(x, long, 0.5), plus(y, -0.8, t), x+long, y),
			nil, flat(p.lit(hex(0xE6F3FA), 0.5), 130))
	}
}

// pane paints a window in a wall, with the sky outside.
func (p *painter) pane(left, top, wide, high float64) {
	p.layer(box(left-2, top-2, left+wide+2, top+high+2), chalk.fixed, 0)
	p.paint(p.whole(), box(left, top, left+wide, top+high), nil, fill{
		top: p.skyHigh, bottom: p.skyLow, topEdge: top, bottomEdge: top + high, opaque: 256,
	})
	if p.scene.Light == Night {
		p.paint(p.whole(), disc(plus(left, wide, 0.75), plus(top, high, 0.25), 2.5), nil, flat(hex(0xF4F1DC), 256))
	}
	p.layer(box(plus(left, wide, 0.5)-0.7, top, plus(left, wide, 0.5)+0.7, top+high), chalk.fixed, 0)
	p.layer(box(left, plus(top, high, 0.5)-0.7, left+wide, plus(top, high, 0.5)+0.7), chalk.fixed, 0)
}

// picture paints a framed picture on a wall.
func (p *painter) picture(x float64, d *dice) {
	p.layer(box(x-9, 14, x+9, 36), bark.fixed, 0)
	p.layer(box(x-7.5, 15.5, x+7.5, 34.5), ivory.fixed, 0)
	c := of(d, []rgb{hex(0x6E93B5), hex(0xB56E6E), hex(0x6EA57E)})
	p.layer(poly(x-7.5, 34.5, x-2, 23, x+1, 29, x+4, 25, x+7.5, 34.5), c, 0)
}

// speck returns a small thing of the ground at (x, y), r in size.
type speck func(x, y, r float64) shape

func tuft(x, y, r float64) shape {
	return union(
		poly(x-r/2, y, plus(x, r, -0.8), y-r, x-r/8, y),
		poly(x-r/4, y, x, plus(y, r, -1.4), x+r/4, y),
		poly(x+r/8, y, plus(x, r, 0.8), y-r, x+r/2, y))
}

func pebble(x, y, r float64) shape  { return ellipse(x, y, float64(r*0.8), r/3) }
func boulder(x, y, r float64) shape { return ellipse(x, y, float64(r*1.2), float64(r*0.8)) }

func blossom(x, y, r float64) shape {
	return disc(x, y, r/2)
}

// scatter strews n specks over the ground, smaller where they are far.
func (p *painter) scatter(d *dice, n int, c rgb, what speck) {
	floor := p.place.floor
	for range n {
		t := d.between(0, 1)
		x, y, r := d.between(0, 100), plus(floor, 100-floor, t), plus(0.7, 1.6, t)
		p.layer(what(x, y, r), c, plus(0.8, -0.8, t))
	}
}
