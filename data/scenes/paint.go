package scenes

// rgb is a colour in sRGB.
type rgb struct{ r, g, b uint8 }

// hex returns the colour 0xRRGGBB.
func hex(c uint32) rgb { return rgb{uint8(c >> 16), uint8(c >> 8), uint8(c)} }

// mix returns the colour at n/256 of the way from a to b.
func mix(a, b rgb, n int) rgb {
	channel := func(x, y uint8) uint8 { return uint8((int(x)*(256-n) + int(y)*n) >> 8) }
	return rgb{channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b)}
}

// times returns the colour a seen in the light b.
func times(a, b rgb) rgb {
	channel := func(x, y uint8) uint8 { return uint8(int(x) * int(y) / 255) }
	return rgb{channel(a.r, b.r), channel(a.g, b.g), channel(a.b, b.b)}
}

var (
	black = hex(0x101014)
	white = hex(0xFFFFFF)
	// glass is a window by day, lamplight one by night.
	glass     = hex(0x8FC4E0)
	lamplight = hex(0xFFD766)
)

// palette is what the named colours look like.
var palette = [...]rgb{
	Red: hex(0xD8261C), Orange: hex(0xF58A14), Yellow: hex(0xF7D51D), Green: hex(0x33A02C),
	Blue: hex(0x2460D8), Purple: hex(0x8034B0), Pink: hex(0xF58CB8), Brown: hex(0x80502A),
	Black: hex(0x2B2B30), White: hex(0xF4F2EC), Grey: hex(0x8E9196),
}

// paint is what a part is filled with: a colour of its own or one of the thing.
type paint struct {
	role  role
	fixed rgb
	// toward is mixed in by n/256: shade and tint.
	toward rgb
	n      int
}

// role says where a paint has its colour from.
type role uint8

const (
	ofItsOwn    role = iota // the colour is fixed
	ofThing                 // the thing's colour, without pattern
	ofCoat                  // the thing's colour and pattern
	ofCoatLying             // the same, where the stripes run the other way
	ofAccent                // the thing's accent
	ofSkin                  // a person's skin
	ofHair                  // a person's hair
	ofWindow                // glass, lit at night
)

// The paints that follow the thing.
var (
	main      = paint{role: ofCoat}
	mainLying = paint{role: ofCoatLying}
	bare      = paint{role: ofThing}
	dark      = paint{role: ofThing, toward: black, n: 90}
	darkCoat  = paint{role: ofCoatLying, toward: black, n: 70}
	light     = paint{role: ofThing, toward: white, n: 100}
	accent    = paint{role: ofAccent}
	skin      = paint{role: ofSkin}
	hair      = paint{role: ofHair}
	window    = paint{role: ofWindow}
)

// The paints that don't.
var (
	ink    = fixed(0x1B1B20)
	chalk  = fixed(0xFAFAF5)
	ivory  = fixed(0xEFE3C8)
	steel  = fixed(0x9AA2AC)
	iron   = fixed(0x55595F)
	bark   = fixed(0x6B4426)
	timber = fixed(0xA9733F)
	leaf   = fixed(0x2F8F35)
	moss   = fixed(0x1F6B2E)
	grass  = fixed(0x66B545)
	gold   = fixed(0xF2B632)
	rose   = fixed(0xEE8FA0)
	beak   = fixed(0xF39A1E)
	brick  = fixed(0xA8432F)
)

func fixed(c uint32) paint { return paint{fixed: hex(c)} }

// skins and hairs are what people have, one each by their Individual.
var (
	skins = []rgb{hex(0xF3CDA8), hex(0xE0AC7E), hex(0xB9804F), hex(0x7D5030)}
	hairs = []rgb{hex(0x22190F), hex(0x5A3618), hex(0xD9B35B), hex(0xA4491C)}
)
