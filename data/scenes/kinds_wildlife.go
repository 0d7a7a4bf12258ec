package scenes

// wildlife are the other animals.
var wildlife = []kind{
	{
		Name: "lion", Plural: "lions", Category: Animal, Profile: true,
		Tall: 0.40, Found: meadow | desert, Colours: []Colour{Orange},
		Poses: []pose{{Parts: []part{
			{dark, union(limb(12, 10, 38, 66, 38, 95), limb(12, 10, 86, 66, 86, 95))},
			{bare, limb(5, 4, 14, 50, 0, 56, -4, 76)}, {bark, disc(-4, 80, 6)},
			{light, union(blob(10, 52, 24, 38, 60, 42, 96, 36, 104, 54, 92, 70, 54, 70, 20, 72), limb(14, 11, 22, 62, 24, 95), limb(13, 11, 98, 60, 100, 95), ellipse(28, 96, 9, 4), ellipse(104, 96, 9, 4))},
			{fixed(0x8A4A16), blob(84, 34, 86, 12, 104, 0, 124, 4, 134, 20, 132, 44, 118, 62, 98, 60)},
			{light, union(ellipse(113, 28, 17, 18), ellipse(117, 38, 11, 9), disc(100, 13, 5), disc(124, 12, 5))},
			{ink, union(poly(112, 34, 124, 34, 118, 40), disc(108, 24, 2.5), disc(121, 24, 2.5), line(1.5, 118, 40, 118, 45))},
		}}},
	},
	{
		Name: "bear", Plural: "bears", Category: Animal, Profile: true,
		Tall: 0.45, Found: forest | mountains | snowfield, Colours: []Colour{Brown, Black, White}, Most: 2,
		Poses: []pose{{Parts: []part{
			{dark, union(limb(20, 16, 42, 64, 44, 93), limb(20, 16, 90, 64, 92, 93))},
			{bare, union(blob(8, 46, 20, 18, 58, 14, 88, 8, 110, 26, 106, 62, 60, 72, 18, 70), limb(24, 18, 24, 62, 24, 92), limb(22, 18, 104, 56, 108, 92),
				ellipse(122, 34, 22, 20), ellipse(140, 42, 13, 10), disc(108, 14, 8), disc(128, 12, 7), ellipse(28, 96, 13, 5), ellipse(112, 96, 13, 5))},
			{dark, union(disc(108, 15, 4), disc(128, 13, 3.5))}, {ink, union(ellipse(151, 38, 5, 4), disc(130, 30, 3))},
		}}},
	},
	{
		Name: "rabbit", Plural: "rabbits", Also: [2]string{"bunny", "bunnies"}, Category: Animal, Profile: true,
		Tall: 0.26, Found: meadow | forest | snowfield, Colours: []Colour{Brown, White, Grey},
		Poses: []pose{{Parts: []part{
			{dark, limb(11, 9, 66, 36, 60, 14, 50, 2)},
			{bare, union(blob(6, 80, 10, 54, 34, 42, 60, 52, 72, 74, 66, 96, 18, 98), ellipse(74, 48, 19, 17), limb(11, 9, 72, 36, 72, 14, 66, -2), ellipse(66, 94, 16, 6), limb(11, 8, 66, 70, 70, 92))},
			{rose, limb(5, 3, 72, 32, 72, 14, 67, 2)}, {chalk, disc(8, 76, 9)},
			{dark, limb(4, 4, 22, 92, 20, 74, 34, 64, 48, 74)}, {ink, disc(80, 45, 3)}, {rose, disc(92, 50, 3)},
		}}},
	},
	{
		Name: "camel", Plural: "camels", Category: Animal, Profile: true,
		Tall: 0.50, Found: desert, Colours: []Colour{Brown},
		Poses: []pose{{Parts: []part{
			{dark, union(limb(7, 5, 38, 60, 38, 98), limb(7, 5, 80, 60, 80, 98))},
			{light, union(limb(3, 3, 16, 42, 10, 60), blob(14, 46, 22, 36, 32, 34, 40, 10, 50, 34, 62, 34, 70, 10, 80, 34, 92, 42, 90, 58, 60, 64, 24, 64),
				limb(9, 5, 24, 58, 25, 98), limb(9, 5, 86, 56, 88, 98), limb(15, 10, 86, 46, 104, 50, 112, 30, 114, 12), blob(108, 10, 114, 2, 124, 4, 138, 12, 138, 20, 124, 22, 112, 20), poly(109, 8, 106, -2, 115, 3))},
			{ink, union(disc(122, 8, 2), disc(137, 14, 1.5))}, {bark, limb(4, 3, 108, 16, 108, 38)},
		}}},
	},
	{
		Name: "penguin", Plural: "penguins", Category: Animal, Profile: true,
		Tall: 0.36, Found: snowfield, Colours: []Colour{Black},
		Poses: []pose{{Parts: []part{
			{beak, union(ellipse(28, 97, 12, 4), ellipse(48, 97, 12, 4))},
			{bare, blob(14, 70, 18, 34, 24, 10, 38, 0, 52, 8, 56, 34, 60, 70, 50, 96, 24, 96)},
			{chalk, blob(32, 50, 40, 32, 54, 36, 58, 66, 50, 92, 34, 92, 30, 70)}, {chalk, ellipse(46, 18, 7, 8)},
			{bare, limb(9, 5, 22, 40, 12, 58, 10, 76)}, {ink, disc(47, 15, 2.5)}, {beak, poly(53, 15, 70, 22, 53, 25)},
		}}},
	},
	{
		Name: "turtle", Plural: "turtles", Category: Animal, Profile: true,
		Tall: 0.22, Found: beach | desert | meadow, Colours: []Colour{Green},
		Poses: []pose{{Parts: []part{
			{grass, union(limb(22, 18, 40, 72, 30, 92), limb(22, 18, 120, 72, 130, 92), limb(22, 18, 142, 62, 158, 44, 172, 42), ellipse(176, 38, 18, 15), poly(14, 72, 0, 84, 24, 82))},
			{bare, blob(10, 76, 24, 30, 80, 4, 136, 30, 150, 76)}, {gold, limb(7, 7, 10, 76, 80, 80, 150, 76)},
			{dark, union(ring(80, 40, 20, 4), line(4, 62, 50, 40, 66), line(4, 98, 50, 120, 66), line(4, 80, 20, 80, 8))}, {ink, disc(182, 34, 4)},
		}}},
	},
	{
		Name: "duck", Plural: "ducks", Category: Animal, Profile: true,
		Tall: 0.22, On: water, Found: sea, Colours: []Colour{White, Yellow, Brown},
		Poses: []pose{{Parts: []part{
			{bare, union(blob(4, 56, 20, 58, 60, 56, 100, 52, 116, 66, 106, 94, 60, 100, 22, 90), limb(24, 20, 98, 68, 102, 30), disc(106, 20, 20))},
			{dark, blob(28, 66, 60, 60, 84, 68, 64, 86, 36, 84)}, {beak, blob(122, 18, 146, 22, 146, 30, 122, 32)}, {ink, disc(112, 14, 3.5)},
			{chalk, limb(3, 3, -6, 99, 60, 102, 124, 99)},
		}}},
	},
	{
		Name: "fish", Plural: "fish", Category: Animal, Profile: true,
		Tall: 0.20, On: underwater, Found: sea, Colours: []Colour{Orange, Red, Yellow, Purple}, Patterns: stripes, Accent: []Colour{White, Black},
		Poses: []pose{{Parts: []part{
			{dark, union(poly(34, 50, -4, 12, 4, 50, -4, 88), blob(60, 24, 84, -4, 116, 8, 108, 28), poly(76, 78, 92, 100, 108, 78))},
			{main, blob(28, 50, 60, 20, 104, 14, 146, 36, 156, 52, 142, 70, 100, 86, 58, 78)},
			{chalk, disc(134, 42, 8)}, {ink, union(disc(136, 42, 4), line(3, 142, 62, 153, 60))},
		}}},
	},
	{
		Name: "bird", Plural: "birds", Also: [2]string{"songbird", "songbirds"}, Category: Animal, Profile: true,
		Tall: 0.20, On: air, Found: outdoors, Colours: []Colour{Red, Blue, Yellow, White, Black},
		Poses: []pose{{Parts: []part{
			{dark, blob(70, 56, 84, 20, 64, -4, 104, 14, 108, 54)},
			{bare, union(poly(34, 62, -8, 52, -4, 76), blob(24, 66, 60, 50, 104, 46, 130, 42, 142, 52, 134, 68, 100, 84, 54, 82))},
			{dark, blob(58, 62, 44, 24, 10, -4, 60, 6, 100, 56, 84, 70)}, {beak, poly(139, 48, 160, 56, 139, 60)}, {ink, disc(128, 52, 4)},
		}}},
	},
	{
		Name: "butterfly", Plural: "butterflies", Category: Animal,
		Tall: 0.18, On: air, Found: meadow | forest, Colours: []Colour{Orange, Blue, Yellow, Purple, Pink}, Patterns: []Pattern{Plain, Spotted}, Accent: []Colour{Black, White},
		Poses: []pose{{Parts: []part{
			{main, union(blob(58, 50, 30, 6, 4, 4, 2, 36, 24, 56), blob(62, 50, 90, 6, 116, 4, 118, 36, 96, 56), blob(58, 50, 24, 58, 14, 82, 34, 98, 54, 74), blob(62, 50, 96, 58, 106, 82, 86, 98, 66, 74))},
			{ink, union(limb(6, 4, 60, 26, 60, 84), line(2, 60, 26, 48, 6), line(2, 60, 26, 72, 6))},
		}}},
	},
}
