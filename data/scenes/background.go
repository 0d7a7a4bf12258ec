package scenes

// backdrop is an entry of the table of backgrounds. Heights are in hundredths
// of the picture, from above.
type backdrop struct {
	// horizon is where the ground begins, floor where things at depth 1 stand.
	horizon, floor float64
	// far and near are the colours of the ground.
	far, near rgb
	// shore is the least depth of things in the water.
	shore float64
	// zoom multiplies the height of things. At depth 1 they are smaller by shrink.
	zoom, shrink float64
	// behind paints what lies behind all things.
	behind func(p *painter, d *dice)
}

// backdrops is the table of backgrounds.
var backdrops = [...]backdrop{
	Meadow: {horizon: 46, floor: 50, far: hex(0x9CCB62), near: hex(0x4FA03A), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.ridge(d, 44, 6, 0.9, hex(0x7DB66B))
		p.ground()
		p.scatter(d, 26, hex(0x3C8A30), tuft)
		p.scatter(d, 12, of(d, []rgb{hex(0xF6E04A), hex(0xFFFFFF), hex(0xE86A8A)}), blossom)
	}},
	Beach: {horizon: 40, floor: 58, far: hex(0xF3DFA6), near: hex(0xE2BF78), shore: 0.85, zoom: 1.12, shrink: 0.5,
		behind: func(p *painter, d *dice) {
			p.band(40, 58, hex(0x3D9CC9), hex(0x63C6DA), 0.8)
			p.swell(d, 42, 54)
			p.surf(d, 56, 2, 0.55, chalk.fixed, hex(0xF3DFA6))
			p.scatter(d, 14, hex(0xC9A460), pebble)
			p.scatter(d, 5, hex(0xF5EFE4), pebble)
		}},
	Desert: {horizon: 48, floor: 52, far: hex(0xEBC078), near: hex(0xC98A3E), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.ridge(d, 46, 9, 0.8, hex(0xDDA55C))
		p.ground()
		p.ridge(d, 60, 5, 0.5, hex(0xE0AE63))
		p.ridge(d, 78, 5, 0.2, hex(0xD59A4C))
		p.scatter(d, 12, hex(0xA87132), pebble)
	}},
	Forest: {horizon: 44, floor: 50, far: hex(0x4E7D3C), near: hex(0x355C2A), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.woods(d, 30, 0.85, hex(0x3F7448))
		p.woods(d, 18, 0.5, hex(0x2B5A36))
		p.ground()
		p.scatter(d, 30, hex(0x254A1E), tuft)
		p.scatter(d, 12, hex(0x8A6A3A), pebble)
	}},
	Mountains: {horizon: 54, floor: 57, far: hex(0x93A878), near: hex(0x6B8552), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.peaks(d, 5, 0.9, hex(0x8490A8))
		p.peaks(d, 3, 0.6, hex(0x6A7488))
		p.ground()
		p.scatter(d, 16, hex(0x8C8F8A), boulder)
		p.scatter(d, 14, hex(0x54703F), tuft)
	}},
	Street: {horizon: 52, floor: 62, far: hex(0x7B7E84), near: hex(0x63666C), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.facades(d)
		p.band(58, 63, hex(0xC2BFB8), hex(0xAEABA4), 0.4)
		p.band(63, 100, hex(0x74777D), hex(0x595C62), 0.2)
		for x := d.between(-10, 0); x < 100; x += 24 {
			p.layer(poly(x+3, 79, x+13, 79, x+12, 82, x+1, 82), hex(0xE9E6D8), 0.1)
		}
	}},
	Sea: {horizon: 38, floor: 42, far: hex(0x3F8FC0), near: hex(0x125A96), zoom: 1.12, shrink: 0.5,
		behind: func(p *painter, d *dice) {
			p.ground()
			p.swell(d, 41, 98)
		}},
	Snowfield: {horizon: 48, floor: 52, far: hex(0xDCE6F2), near: hex(0xF7FAFF), zoom: 1.12, shrink: 0.5, behind: func(p *painter, d *dice) {
		p.woods(d, 11, 0.9, hex(0x587A78))
		p.ridge(d, 49, 4, 0.7, hex(0xE4ECF6))
		p.ground()
		p.ridge(d, 66, 4, 0.4, hex(0xEDF3FB))
		p.scatter(d, 14, hex(0xC5D3E6), pebble)
	}},
	Kitchen: {horizon: 58, floor: 66, far: hex(0xC08A54), near: hex(0xA06A38), zoom: 1.75, shrink: 0.3, behind: func(p *painter, d *dice) {
		wall := of(d, []rgb{hex(0xF1E8CF), hex(0xD5E6DC), hex(0xF3D9C8), hex(0xD7DFEA)})
		p.band(0, 58, wall, mix(wall, black, 16), 0)
		for y := 8.; y < 58; y += 10 {
			p.layer(box(0, y, 100, y+0.5), mix(wall, black, 40), 0)
		}
		for x := 4.; x < 100; x += 12 {
			p.layer(box(x, 0, x+0.5, 58), mix(wall, black, 40), 0)
		}
		p.pane(d.between(8, 62), 8, 28, 30)
		p.ground()
		p.layer(box(0, 58, 100, 60), hex(0x8A5A2E), 0)
		for y := 68.; y < 100; y += 11 {
			p.layer(box(0, y, 100, y+0.5), hex(0x8F5E30), 0)
		}
	}},
	LivingRoom: {horizon: 64, floor: 70, far: hex(0xA77B58), near: hex(0x8A5F40), zoom: 1.2, shrink: 0.3, behind: func(p *painter, d *dice) {
		wall := of(d, []rgb{hex(0x9DB8A8), hex(0xE3C9A0), hex(0xB7A6C6), hex(0x9FB6CE), hex(0xD9A79A)})
		p.band(0, 64, wall, mix(wall, black, 24), 0)
		p.pane(d.between(6, 30), 9, 26, 32)
		p.picture(d.between(64, 76), d)
		p.ground()
		p.layer(box(0, 61.5, 100, 64.5), chalk.fixed, 0)
		rug := of(d, []rgb{hex(0xB4504A), hex(0x4A6A94), hex(0x6A8A5A)})
		p.layer(ellipse(50, 86, 44, 11), rug, 0)
		p.layer(ellipse(50, 86, 37, 8.5), mix(rug, white, 70), 0)
	}},
}

// background paints the sky and what lies behind all things.
func (p *painter) background(d *dice) {
	b := p.place
	if !p.scene.Background.Indoors() {
		p.sky(d, b.horizon)
	}
	b.behind(p, d)
}

// sky paints the sky down to the horizon, with sun, moon, stars and clouds.
func (p *painter) sky(d *dice, horizon float64) {
	p.paint(p.whole(), box(0, 0, 100, horizon+6), nil, fill{
		top: p.skyHigh, bottom: p.skyLow, bottomEdge: horizon, opaque: 256,
	})
	x, veiled := d.between(10, 90), p.scene.Weather != Clear
	switch {
	case veiled:
	case p.scene.Light == Day:
		p.glow(x, 11, 5, hex(0xFFF3B0))
	case p.scene.Light == Sunset:
		p.glow(x, float64(horizon*0.78), 9, hex(0xFFE08A))
	case p.scene.Light == Night:
		var stars shape
		for range 45 {
			stars = append(stars, disc(d.between(0, 100), d.between(0, horizon), d.between(0.25, 0.6))...)
		}
		p.paint(p.whole(), stars, nil, flat(white, 220))
		p.glow(x, 13, 6, hex(0xF4F1DC))
		p.paint(p.whole(), disc(x+3.2, 11.6, 5.2), nil, flat(mix(p.skyHigh, p.skyLow, 60), 256))
	}
	cloud := mix(times(white, p.light), p.skyLow, 60)
	if veiled {
		cloud = mix(p.skyHigh, black, 24)
	} else if p.scene.Light == Night {
		cloud = mix(p.skyLow, white, 30)
	}
	for range d.below(3) + 1 {
		cx, cy, r := d.between(0, 100), d.between(5, horizon-16), d.between(4, 7)
		p.paint(p.whole(), union(
			ellipse(cx, cy, r*2, float64(r*0.6)), disc(cx-r/2, cy-r/2, float64(r*0.7)), disc(plus(cx, r, 0.6), cy-r/4, float64(r*0.55))),
			nil, flat(cloud, 190))
	}
}

// glow paints the sun or the moon.
func (p *painter) glow(x, y, r float64, c rgb) {
	p.paint(p.whole(), disc(x, y, float64(r*1.9)), nil, flat(c, 40))
	p.paint(p.whole(), disc(x, y, float64(r*1.4)), nil, flat(c, 60))
	p.paint(p.whole(), disc(x, y, r), nil, flat(c, 256))
}
