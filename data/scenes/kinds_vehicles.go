package scenes

// vehicles face right.
var vehicles = []kind{
	{
		Name: "car", Plural: "cars", Also: [2]string{"automobile", "automobiles"}, Category: Vehicle, Profile: true,
		Tall: 0.31, Found: street | meadow | desert | snowfield | beach, Colours: anyColour, Patterns: stripes,
		Poses: []pose{{Parts: []part{
			{main, blob(2, 76, 4, 50, 30, 42, 56, 8, 120, 6, 152, 42, 192, 50, 198, 78, 150, 84, 50, 84)},
			{window, union(poly(48, 40, 64, 15, 90, 14, 90, 40), poly(98, 14, 118, 14, 138, 40, 98, 40))},
			{dark, union(box(4, 72, 196, 78), line(2, 94, 42, 94, 72))}, {gold, ellipse(191, 58, 6, 6)}, {brick, ellipse(7, 58, 5, 6)},
			{ink, union(disc(48, 80, 20), disc(152, 80, 20))}, {steel, union(disc(48, 80, 10), disc(152, 80, 10))},
		}}},
	},
	{
		Name: "bus", Plural: "buses", Category: Vehicle, Profile: true,
		Tall: 0.39, Found: street | desert | snowfield, Colours: []Colour{Red, Yellow, Blue, Green, White, Orange}, Most: 2,
		Poses: []pose{{Parts: []part{
			{bare, union(box(4, 4, 206, 84), ellipse(206, 44, 4, 38))},
			{window, union(box(14, 16, 42, 44), box(48, 16, 76, 44), box(82, 16, 110, 44), box(116, 16, 144, 44), box(176, 16, 206, 46))},
			{light, box(4, 52, 208, 57)}, {dark, union(box(4, 78, 208, 86), box(4, 4, 208, 8))}, {window, box(150, 16, 170, 78)}, {dark, box(159, 16, 161, 78)},
			{ink, union(disc(46, 84, 16), disc(166, 84, 16))}, {steel, union(disc(46, 84, 8), disc(166, 84, 8))}, {gold, disc(203, 68, 5)},
		}}},
	},
	{
		Name: "truck", Plural: "trucks", Also: [2]string{"lorry", "lorries"}, Category: Vehicle, Profile: true,
		Tall: 0.39, Found: street | desert | mountains | snowfield, Colours: anyColour, Patterns: stripes, Most: 2,
		Poses: []pose{{Parts: []part{
			{iron, box(4, 74, 190, 84)}, {main, box(2, 2, 126, 74)}, {bare, blob(134, 82, 134, 26, 168, 24, 184, 52, 196, 56, 196, 82)},
			{window, poly(146, 32, 166, 32, 178, 54, 146, 54)}, {gold, disc(191, 66, 5)}, {dark, box(134, 76, 196, 84)},
			{ink, union(disc(32, 83, 17), disc(72, 83, 17), disc(164, 83, 17))}, {steel, union(disc(32, 83, 8), disc(72, 83, 8), disc(164, 83, 8))},
		}}},
	},
	{
		Name: "tractor", Plural: "tractors", Category: Vehicle, Profile: true,
		Tall: 0.35, Found: meadow | desert | snowfield, Colours: []Colour{Red, Green, Blue, Yellow}, Most: 2,
		Poses: []pose{{Parts: []part{
			{iron, union(box(112, 14, 118, 44), box(24, 0, 84, 7), box(28, 4, 33, 50), box(76, 4, 81, 50))}, {window, box(33, 7, 76, 42)},
			{bare, union(box(24, 40, 90, 70), blob(82, 42, 130, 42, 142, 50, 142, 74, 82, 74))}, {dark, box(96, 52, 136, 58)},
			{ink, union(disc(38, 68, 32), disc(124, 82, 18))}, {gold, union(disc(38, 68, 16), disc(124, 82, 9))}, {iron, union(disc(38, 68, 6), disc(124, 82, 4))},
		}}},
	},
	{
		Name: "bicycle", Plural: "bicycles", Also: [2]string{"bike", "bikes"}, Category: Vehicle, Profile: true,
		Tall: 0.33, Found: street | meadow | forest | beach, Colours: anyColour,
		Poses: []pose{{Parts: []part{
			{ink, union(ring(30, 70, 27, 6), ring(120, 70, 27, 6))},
			{steel, union(line(1.5, 30, 44, 30, 96), line(1.5, 4, 70, 56, 70), line(1.5, 120, 44, 120, 96), line(1.5, 94, 70, 146, 70), line(1.5, 11, 51, 49, 89), line(1.5, 11, 89, 49, 51), line(1.5, 101, 51, 139, 89), line(1.5, 101, 89, 139, 51))},
			{bare, union(line(6, 30, 70, 54, 28), line(6, 54, 28, 104, 26), line(6, 104, 26, 74, 72), line(6, 74, 72, 30, 70), line(6, 74, 72, 52, 18), line(6, 98, 8, 120, 70))},
			{ink, union(limb(7, 5, 38, 14, 52, 16, 64, 13), limb(5, 5, 98, 8, 112, 4, 118, 12), disc(74, 72, 7), line(3, 74, 72, 82, 88), box(76, 87, 90, 91))},
		}}},
	},
	{
		Name: "boat", Plural: "boats", Also: [2]string{"sailboat", "sailboats"}, Category: Vehicle,
		Tall: 0.50, On: water, Found: sea | beach, Colours: anyColour, Patterns: stripes,
		Poses: []pose{{Parts: []part{
			{bark, box(48, -2, 52, 84)}, {main, poly(55, 2, 55, 70, 102, 70)}, {light, poly(45, 12, 45, 70, 12, 70)},
			{timber, blob(-4, 78, 50, 78, 110, 76, 96, 97, 50, 99, 8, 97)}, {bark, poly(-6, 75, 112, 75, 109, 81, -4, 81)},
			{chalk, limb(2.5, 2.5, -8, 98, 26, 100, 52, 97, 80, 100, 112, 98)},
		}}},
	},
	{
		Name: "ship", Plural: "ships", Also: [2]string{"steamer", "steamers"}, Category: Vehicle, Profile: true,
		Tall: 0.35, On: water, Found: sea | beach, Colours: []Colour{Red, Blue, Black, White, Green}, Most: 2,
		Poses: []pose{{Parts: []part{
			{iron, union(limb(9, 16, 88, -2, 70, -12, 48, -14))},
			{brick, union(box(76, 4, 96, 36), box(112, 4, 132, 36))}, {ink, union(box(75, 3, 97, 11), box(111, 3, 133, 11))},
			{chalk, union(box(48, 34, 168, 56), box(62, 22, 146, 36))},
			{window, union(disc(62, 45, 4), disc(80, 45, 4), disc(98, 45, 4), disc(116, 45, 4), disc(134, 45, 4), disc(152, 45, 4))},
			{bare, poly(4, 56, 222, 52, 196, 98, 24, 98)}, {dark, poly(18, 86, 203, 86, 196, 98, 24, 98)}, {chalk, limb(2.5, 2.5, 8, 98, 60, 101, 120, 98, 210, 99)},
		}}},
	},
	{
		Name: "plane", Plural: "planes", Also: [2]string{"airplane", "airplanes"}, Category: Vehicle, Profile: true,
		Tall: 0.24, On: air, Found: outdoors, Colours: []Colour{White, Red, Blue, Yellow}, Most: 2,
		Poses: []pose{{Parts: []part{
			{dark, poly(100, 48, 84, 18, 98, 18, 134, 48)},
			{dark, poly(8, 48, -2, 2, 18, 2, 48, 44)}, {bare, blob(2, 50, 20, 42, 120, 36, 176, 38, 206, 54, 190, 68, 120, 74, 40, 66)},
			{window, union(disc(62, 52, 4), disc(78, 52, 4), disc(94, 52, 4), disc(110, 52, 4), disc(126, 52, 4), disc(142, 52, 4), poly(172, 44, 186, 45, 196, 53, 174, 53))},
			{dark, union(poly(86, 62, 132, 62, 84, 100, 66, 100), poly(8, 54, 30, 54, 4, 70, -8, 70))},
		}}},
	},
	{
		Name: "balloon", Plural: "balloons", Also: [2]string{"hot air balloon", "hot air balloons"}, Category: Vehicle,
		Tall: 0.42, On: air, Found: land, Colours: []Colour{Red, Orange, Yellow, Green, Blue, Purple, Pink}, Patterns: []Pattern{Plain, Striped, Checked},
		Poses: []pose{{Parts: []part{
			{bark, union(line(1, 24, 60, 30, 84), line(1, 46, 60, 40, 84))}, {main, blob(35, 0, 58, 8, 69, 30, 60, 52, 44, 70, 26, 70, 10, 52, 1, 30, 12, 8)}, {timber, poly(28, 83, 42, 83, 40, 100, 30, 100)},
		}}},
	},
	{
		Name: "train", Plural: "trains", Category: Vehicle, Profile: true,
		Tall: 0.33, Found: mountains | meadow | desert | snowfield, Colours: []Colour{Red, Green, Blue, Black}, Most: 1,
		Poses: []pose{{Parts: []part{
			{iron, union(box(4, 82, 290, 87), box(-8, 97, 300, 100))}, {light, box(4, 18, 128, 84)}, {dark, box(0, 12, 132, 20)},
			{window, union(box(14, 30, 36, 54), box(44, 30, 66, 54), box(74, 30, 96, 54), box(102, 30, 122, 54))},
			{bare, union(box(150, 12, 196, 84), box(190, 36, 268, 76), disc(268, 56, 20))}, {dark, union(box(144, 6, 202, 14), box(240, 8, 256, 38), box(236, 4, 260, 12), box(212, 26, 226, 38))},
			{window, box(160, 22, 188, 46)}, {gold, disc(284, 48, 6)}, {brick, poly(270, 78, 300, 96, 270, 96)},
			{ink, union(disc(28, 86, 12), disc(104, 86, 12), disc(168, 82, 16), disc(210, 86, 12), disc(250, 86, 12))}, {steel, union(disc(28, 86, 5), disc(104, 86, 5), disc(168, 82, 7), disc(210, 86, 5), disc(250, 86, 5))},
		}}},
	},
}
