package scenes

// climate is what light and weather do to colours.
type climate struct {
	light           rgb // what colours are multiplied by
	skyHigh, skyLow rgb
	haze            rgb // what distance fades to
	// nearHaze and farHaze are how much of the haze there is at depth 0 and 1, in
	// 256ths.
	nearHaze, farHaze float64
	shadowDepth       int // how dark shadows are, in 256ths
	rim               rgb // what the outlines of things tend to
}

// climates are the lights when the weather is clear.
var climates = [...]climate{
	Day: {
		light: white, skyHigh: hex(0x3F97E4), skyLow: hex(0xC4E6F9), haze: hex(0xC4E6F9),
		farHaze: 70, shadowDepth: 64, rim: black,
	},
	Sunset: {
		light: hex(0xFFCBA0), skyHigh: hex(0x5B4A94), skyLow: hex(0xFF9440), haze: hex(0xF59A5A),
		farHaze: 70, shadowDepth: 64, rim: black,
	},
	Night: {
		light: hex(0x929CCB), skyHigh: hex(0x080D2C), skyLow: hex(0x29366B), haze: hex(0x29366B),
		farHaze: 80, shadowDepth: 72, rim: white,
	},
}

// overcast is the colour of the sky under clouds, rain, snow and fog, by day.
var overcast = [...]rgb{Rain: hex(0x77828E), Snow: hex(0xC3CDD8), Fog: hex(0xDCE2E6)}

// climateOf returns the climate of a scene.
func climateOf(s *Scene) climate {
	c := climates[s.Light]
	if s.Background.Indoors() {
		c.farHaze = 0
		if s.Light == Night {
			c.light = hex(0xE8C890) // a lamp
		}
		return c
	}
	if s.Weather == Clear {
		return c
	}
	c.light = mix(c.light, white, 40)
	grey := times(overcast[s.Weather], c.light)
	c.skyHigh, c.skyLow = mix(c.skyHigh, grey, 215), mix(c.skyLow, grey, 190)
	c.haze, c.shadowDepth = grey, 28
	switch s.Weather {
	case Rain:
		c.light = times(c.light, hex(0xDDE2E8))
		c.nearHaze, c.farHaze = 20, 120
	case Snow:
		c.nearHaze, c.farHaze = 10, 120
	case Fog:
		c.nearHaze, c.farHaze = 50, 225
		c.skyHigh = mix(c.skyHigh, grey, 128)
	}
	return c
}

// ofThings returns the climate as it is for things, which stand out from what
// is around them.
func (c climate) ofThings() climate {
	c.light = mix(c.light, white, 48)
	c.nearHaze, c.farHaze = c.nearHaze/2, c.farHaze/2
	return c
}

// precipitation paints rain and snow over all that is there.
func (p *painter) precipitation(d *dice) {
	var s shape
	switch p.scene.Weather {
	case Rain:
		for range 90 {
			x, y, long := d.between(-5, 105), d.between(-8, 100), d.between(5, 10)
			s = append(s, line(0.5, x, y, plus(x, long, -0.22), y+long)...)
		}
		p.paint(p.whole(), s, nil, flat(mix(p.light, white, 100), 95))
	case Snow:
		for range 80 {
			s = append(s, disc(d.between(0, 100), d.between(0, 100), d.between(0.4, 1.1))...)
		}
		p.paint(p.whole(), s, nil, flat(mix(p.light, white, 128), 235))
	}
}
