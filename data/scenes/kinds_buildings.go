package scenes

var buildings = []kind{
	{
		Name: "house", Plural: "houses", Also: [2]string{"cottage", "cottages"}, Category: Building,
		Tall: 0.60, Found: meadow | forest | mountains | snowfield | beach, Colours: []Colour{Red, Yellow, Blue, White, Pink, Green}, Most: 3,
		Poses: []pose{{Parts: []part{
			{brick, box(78, 4, 90, 34)}, {bare, box(12, 44, 108, 100)}, {fixed(0x7A3B2E), poly(60, -2, 118, 48, 2, 48)},
			{bark, box(50, 66, 70, 100)}, {gold, disc(66, 84, 1.8)},
			{chalk, union(box(19, 57, 43, 81), box(77, 57, 101, 81))}, {window, union(box(21, 59, 30, 68), box(32, 59, 41, 68), box(21, 70, 30, 79), box(32, 70, 41, 79), box(79, 59, 88, 68), box(90, 59, 99, 68), box(79, 70, 88, 79), box(90, 70, 99, 79))},
			{window, disc(60, 30, 7)},
		}}},
	},
	{
		Name: "church", Plural: "churches", Category: Building,
		Tall: 0.70, Found: meadow | mountains | snowfield, Colours: []Colour{White, Brown, Grey, Yellow}, Most: 1,
		Poses: []pose{{Parts: []part{
			{bare, union(box(34, 62, 98, 100), box(6, 36, 36, 100))}, {fixed(0x5A4A58), union(poly(34, 64, 46, 46, 92, 46, 102, 64), poly(2, 38, 21, 8, 40, 38))},
			{ink, union(box(20, -6, 22, 10), box(16, -2, 26, 0.5))}, {window, union(box(50, 74, 57, 88), disc(53.5, 74, 3.5), box(66, 74, 73, 88), disc(69.5, 74, 3.5), box(82, 74, 89, 88), disc(85.5, 74, 3.5), disc(21, 50, 5))},
			{bark, union(box(14, 80, 28, 100), disc(21, 80, 7))},
		}}},
	},
	{
		Name: "lighthouse", Plural: "lighthouses", Category: Building,
		Tall: 0.72, Found: beach, Colours: []Colour{White}, Patterns: []Pattern{Striped}, Accent: []Colour{Red, Blue, Black}, Most: 1,
		Poses: []pose{{Parts: []part{
			{iron, ellipse(25, 98, 24, 3)}, {bare, poly(16, 24, 34, 24, 42, 98, 8, 98)},
			{accent, union(poly(15, 34, 35, 34, 36.5, 48, 13.5, 48), poly(12.5, 60, 37.5, 60, 39, 74, 11, 74), poly(9.5, 86, 40.5, 86, 42, 98, 8, 98))},
			{ink, union(box(12, 22, 38, 25), poly(14, 8, 25, -4, 36, 8))}, {gold, box(18, 8, 32, 22)}, {ink, union(box(24, 8, 26, 22), box(22, 88, 28, 98))},
		}}},
	},
	{
		Name: "castle", Plural: "castles", Category: Building,
		Tall: 0.64, Found: meadow | mountains | forest, Colours: []Colour{Grey, Brown, White}, Most: 1,
		Poses: []pose{{Parts: []part{
			{iron, union(line(1.2, 14, 22, 14, -6), line(1.2, 106, 22, 106, -6))}, {brick, union(poly(14, -6, 28, -2, 14, 3), poly(106, -6, 120, -2, 106, 3))},
			{bare, union(box(24, 44, 96, 100), box(28, 36, 36, 46), box(44, 36, 52, 46), box(68, 36, 76, 46), box(84, 36, 92, 46))},
			{light, union(box(0, 28, 28, 100), box(92, 28, 120, 100), box(0, 20, 6, 30), box(11, 20, 17, 30), box(22, 20, 28, 30), box(92, 20, 98, 30), box(103, 20, 109, 30), box(114, 20, 120, 30))},
			{ink, union(box(48, 72, 72, 100), disc(60, 72, 12))}, {window, union(box(11, 42, 17, 54), box(103, 42, 109, 54), box(34, 56, 40, 66), box(80, 56, 86, 66))},
		}}},
	},
	{
		Name: "windmill", Plural: "windmills", Category: Building,
		Tall: 0.64, Found: meadow | beach, Colours: []Colour{White, Red, Brown}, Most: 2,
		Poses: []pose{{Parts: []part{
			{bare, poly(34, 36, 62, 36, 72, 100, 24, 100)}, {bark, blob(32, 38, 36, 26, 48, 20, 60, 26, 64, 38)}, {bark, box(42, 80, 54, 100)}, {window, box(43, 56, 53, 66)},
			{timber, union(line(2.4, 10, -2, 86, 66), line(2.4, 86, -2, 10, 66))},
			{ivory, union(poly(44, 28, 16, 3, 8, 11, 37, 34), poly(52, 28, 80, 3, 88, 11, 59, 34), poly(44, 36, 16, 61, 8, 53, 37, 30), poly(52, 36, 80, 61, 88, 53, 59, 30))}, {ink, disc(48, 32, 4)},
		}}},
	},
	{
		Name: "tent", Plural: "tents", Category: Building,
		Tall: 0.38, Found: country | beach | desert | snowfield, Colours: anyColour, Patterns: stripes,
		Poses: []pose{{Parts: []part{
			{main, poly(70, 2, 138, 98, 2, 98)}, {dark, poly(70, 2, 138, 98, 92, 98)}, {ink, poly(66, 26, 86, 98, 46, 98)}, {light, poly(66, 26, 46, 98, 34, 98)}, {timber, line(3, 70, 4, 70, -6)},
		}}},
	},
	{
		Name: "skyscraper", Plural: "skyscrapers", Category: Building,
		Tall: 0.80, Found: street, Colours: []Colour{Grey, Blue, Brown, White}, Most: 2,
		Poses: []pose{{Parts: []part{
			{bare, union(box(4, 18, 40, 100), box(10, 8, 34, 20), box(21, -8, 23, 10))}, {dark, union(box(4, 17, 40, 19), box(34, 19, 40, 100))},
			{window, union(box(8, 24, 14, 30), box(18, 24, 24, 30), box(28, 24, 33, 30), box(8, 36, 14, 42), box(18, 36, 24, 42), box(28, 36, 33, 42), box(8, 48, 14, 54), box(18, 48, 24, 54), box(28, 48, 33, 54), box(8, 60, 14, 66), box(18, 60, 24, 66), box(28, 60, 33, 66), box(8, 72, 14, 78), box(18, 72, 24, 78), box(28, 72, 33, 78))},
			{ink, box(14, 86, 28, 100)},
		}}},
	},
	{
		Name: "igloo", Plural: "igloos", Category: Building,
		Tall: 0.35, Found: snowfield, Colours: []Colour{White}, Most: 2,
		Poses: []pose{{Parts: []part{
			{fixed(0xCFE3F2), blob(2, 98, 10, 44, 60, 4, 112, 34, 130, 98)}, {fixed(0x8FB2CC), union(limb(2, 2, 6, 70, 64, 66, 126, 72), limb(2, 2, 18, 40, 62, 36, 112, 42), line(2, 40, 98, 38, 69), line(2, 28, 68, 34, 39), line(2, 60, 66, 60, 37), line(2, 94, 40, 100, 70), line(2, 52, 36, 56, 8), line(2, 78, 37, 76, 9))},
			{fixed(0xE3F0FA), blob(66, 99, 68, 66, 90, 54, 114, 66, 116, 99)}, {ink, blob(76, 99, 78, 74, 91, 66, 104, 74, 106, 99)},
		}}},
	},
}
