package scenes

var households = []kind{
	{
		Name: "cup", Plural: "cups", Also: [2]string{"mug", "mugs"}, Category: Household,
		Tall: 0.18, Found: kitchen | livingRoom, Colours: anyColour, Patterns: anyCoat,
		Poses: []pose{{Parts: []part{
			{dark, ring(84, 50, 22, 10)}, {main, blob(4, 16, 84, 16, 82, 60, 70, 98, 18, 98, 6, 60)}, {dark, ellipse(44, 14, 41, 10)}, {bark, ellipse(44, 15, 34, 7)},
		}}},
	},
	{
		Name: "chair", Plural: "chairs", Category: Household,
		Tall: 0.45, Found: livingRoom | beach, Colours: anyColour,
		Poses: []pose{{Parts: []part{
			{dark, union(box(20, 60, 25, 92), box(46, 60, 51, 92))}, {bare, union(box(8, 0, 14, 62), box(44, 0, 50, 62), box(8, 2, 50, 14), box(8, 22, 50, 32))}, {light, poly(8, 52, 50, 52, 60, 64, 4, 64)}, {bare, union(box(4, 62, 60, 68), box(5, 64, 11, 100), box(53, 64, 59, 100))},
		}}},
	},
	{
		Name: "sofa", Plural: "sofas", Also: [2]string{"couch", "couches"}, Category: Household,
		Tall: 0.35, Found: livingRoom, Colours: anyColour, Patterns: anyCoat, Most: 1,
		Poses: []pose{{Parts: []part{
			{bark, union(box(16, 88, 26, 100), box(174, 88, 184, 100))}, {main, blob(20, 60, 22, 8, 100, 2, 178, 8, 180, 60)}, {dark, box(20, 56, 180, 90)}, {main, union(box(22, 48, 99, 66), box(101, 48, 178, 66))},
			{bare, union(blob(4, 92, 2, 40, 16, 32, 30, 40, 30, 92), blob(170, 92, 170, 40, 184, 32, 198, 40, 196, 92))},
		}}},
	},
	{
		Name: "table lamp", Plural: "table lamps", Category: Household,
		Tall: 0.35, Found: livingRoom | kitchen, Colours: []Colour{Red, Orange, Yellow, Green, Blue, White, Pink}, Patterns: stripes, Most: 2,
		Poses: []pose{{Parts: []part{
			{iron, union(limb(5, 5, 40, 96, 40, 40), ellipse(40, 96, 22, 5))}, {main, poly(22, 2, 58, 2, 78, 48, 2, 48)}, {window, ellipse(40, 48, 37, 4)},
		}}},
	},
	{
		Name: "clock", Plural: "clocks", Category: Household,
		Tall: 0.22, Found: indoors, Colours: []Colour{Red, Blue, Green, Black, Yellow, Purple}, Most: 2,
		Poses: []pose{{Parts: []part{
			{iron, union(line(8, 24, 84, 14, 98), line(8, 76, 84, 86, 98), disc(22, 10, 12), disc(78, 10, 12))}, {bare, disc(50, 52, 46)}, {chalk, disc(50, 52, 36)}, {ink, union(line(5, 50, 52, 50, 26), line(5, 50, 52, 68, 60), disc(50, 52, 4), box(48, 18, 52, 23), box(48, 81, 52, 86), box(16, 50, 21, 54), box(79, 50, 84, 54))},
		}}},
	},
	{
		Name: "umbrella", Plural: "umbrellas", Category: Household,
		Tall: 0.47, Found: beach | street | meadow, Colours: anyColour, Patterns: []Pattern{Plain, Striped, Spotted, Checked}, Most: 3,
		Poses: []pose{{Parts: []part{
			{timber, limb(3.5, 3.5, 60, 4, 60, 98)}, {main, blob(0, 46, 12, 20, 60, 2, 108, 20, 120, 46, 100, 41, 80, 46, 60, 41, 40, 46, 20, 41)}, {ink, disc(60, 1, 3)},
		}}},
	},
	{
		Name: "book", Plural: "books", Category: Household,
		Tall: 0.20, Found: indoors, Colours: anyColour, Most: 3,
		Poses: []pose{{Parts: []part{
			{dark, poly(2, 96, 8, 4, 74, 4, 70, 96)}, {chalk, poly(70, 96, 74, 4, 86, 10, 82, 99)}, {bare, poly(2, 98, 6, 4, 72, 4, 70, 98)}, {gold, union(box(20, 22, 58, 28), box(24, 36, 54, 41), box(30, 60, 48, 78))}, {dark, poly(2, 98, 6, 4, 14, 4, 11, 98)},
		}}},
	},
	{
		Name: "vase", Plural: "vases", Category: Household,
		Tall: 0.35, Found: indoors, Colours: anyColour, Patterns: anyCoat, Most: 2,
		Poses: []pose{{Parts: []part{
			{leaf, union(line(2.4, 30, 48, 12, 18), line(2.4, 30, 48, 30, 10), line(2.4, 30, 48, 48, 18))}, {fixed(0xE0457B), union(disc(12, 14, 8), disc(48, 14, 8))}, {gold, disc(30, 6, 8)},
			{main, blob(20, 44, 40, 44, 38, 54, 54, 74, 44, 98, 16, 98, 6, 74, 22, 54)},
		}}},
	},
	{
		Name: "ball", Plural: "balls", Also: [2]string{"toy ball", "toy balls"}, Category: Household,
		Tall: 0.19, Found: beach | meadow | livingRoom | street | snowfield, Colours: []Colour{Red, Orange, Yellow, Green, Blue, Purple, Pink}, Patterns: []Pattern{Plain, Striped, Spotted, Checked},
		Poses: []pose{{Parts: []part{{main, disc(50, 50, 50)}, {light, ellipse(32, 28, 12, 9)}}}},
	},
	{
		Name: "bottle", Plural: "bottles", Category: Household,
		Tall: 0.33, Found: kitchen, Colours: []Colour{Green, Blue, Brown, Red},
		Poses: []pose{{Parts: []part{
			{timber, box(12, -4, 24, 8)}, {bare, blob(11, 6, 25, 6, 25, 30, 36, 46, 36, 98, 0, 98, 0, 46, 11, 30)}, {chalk, box(1, 58, 35, 80)}, {dark, box(6, 64, 30, 67)}, {dark, box(10, 71, 26, 74)}, {light, limb(3, 3, 7, 50, 7, 56)},
		}}},
	},
	{
		Name: "kite", Plural: "kites", Category: Household,
		Tall: 0.35, On: air, Found: beach | meadow | mountains | snowfield, Colours: []Colour{Red, Orange, Yellow, Green, Blue, Purple, Pink}, Patterns: []Pattern{Plain, Striped, Checked}, Most: 3,
		Poses: []pose{{Parts: []part{
			{ink, limb(1.2, 1.2, 36, 60, 44, 72, 32, 84, 42, 100)}, {main, poly(36, 0, 66, 26, 36, 64, 6, 26)}, {dark, union(line(1.5, 36, 0, 36, 64), line(1.5, 6, 26, 66, 26))}, {bare, union(poly(42, 72, 34, 68, 36, 77), poly(42, 72, 51, 69, 48, 78), poly(33, 84, 25, 80, 27, 89), poly(33, 84, 42, 82, 38, 90))},
		}}},
	},
	{
		Name: "guitar", Plural: "guitars", Category: Household,
		Tall: 0.50, Found: livingRoom, Colours: []Colour{Brown, Red, Blue, Yellow, Black}, Most: 2,
		Poses: []pose{{Parts: []part{
			{bark, union(box(22, 8, 28, 60), box(20, -2, 30, 10))}, {bare, blob(25, 48, 40, 54, 38, 68, 48, 82, 40, 98, 25, 101, 10, 98, 2, 82, 12, 68, 10, 54)}, {ink, disc(25, 70, 7)}, {ink, box(18, 85, 32, 88)}, {chalk, union(line(0.7, 24, 8, 24, 86), line(0.7, 26, 8, 26, 86))},
		}}},
	},
	{
		Name: "teddy bear", Plural: "teddy bears", Category: Household,
		Tall: 0.28, Found: livingRoom, Colours: []Colour{Brown, White, Pink, Blue}, Most: 2,
		Poses: []pose{{Parts: []part{
			{bare, union(disc(22, 12, 12), disc(70, 12, 12), ellipse(14, 62, 11, 16), ellipse(78, 62, 11, 16), ellipse(46, 70, 29, 28), ellipse(46, 27, 31, 27))},
			{light, union(disc(22, 12, 6), disc(70, 12, 6), ellipse(46, 72, 17, 18), ellipse(46, 36, 14, 11), ellipse(20, 92, 12, 9), ellipse(72, 92, 12, 9))}, {dark, union(ring(20, 92, 11, 3), ring(72, 92, 11, 3))},
			{ink, union(disc(35, 22, 4), disc(57, 22, 4), ellipse(46, 32, 5, 4))},
		}}},
	},
}
