package scenes

var plants = []kind{
	{
		Name: "tree", Plural: "trees", Category: Plant,
		Tall: 0.66, Found: meadow | mountains | forest | street, Colours: []Colour{Green, Green, Orange, Red},
		Poses: []pose{{Parts: []part{
			{bark, union(limb(12, 8, 40, 99, 40, 46), limb(5, 3, 40, 66, 56, 50), limb(5, 3, 40, 72, 26, 54))},
			{dark, union(disc(24, 44, 19), disc(56, 44, 20), disc(40, 50, 16))}, {bare, union(disc(22, 34, 18), disc(57, 34, 19), disc(40, 19, 20), disc(40, 38, 20))}, {light, union(disc(32, 14, 8), disc(20, 29, 6), disc(50, 26, 6))},
		}}},
	},
	{
		Name: "fir tree", Plural: "fir trees", Category: Plant,
		Tall: 0.66, Found: forest | mountains | snowfield, Colours: []Colour{Green},
		Poses: []pose{{Parts: []part{
			{bark, box(30, 86, 38, 100)}, {moss, union(poly(34, 44, 68, 90, 0, 90))}, {moss, poly(34, 22, 62, 66, 6, 66)}, {leaf, union(poly(34, 0, 54, 40, 14, 40), poly(34, 46, 50, 74, 18, 72), poly(34, 26, 48, 54, 20, 52))},
		}}},
	},
	{
		Name: "palm tree", Plural: "palm trees", Category: Plant,
		Tall: 0.70, Found: beach | desert, Colours: []Colour{Green}, Most: 3,
		Poses: []pose{{Parts: []part{
			{timber, limb(9, 5, 30, 99, 34, 66, 44, 26)}, {bark, union(line(1.5, 28, 84, 37, 85), line(1.5, 29, 70, 38, 72), line(1.5, 33, 56, 41, 58), line(1.5, 36, 42, 45, 44))},
			{moss, union(limb(3, 8, 44, 24, 24, 20, 8, 38), limb(3, 8, 44, 24, 66, 20, 80, 38))},
			{leaf, union(limb(3, 9, 44, 24, 28, 8, 6, 12), limb(3, 9, 44, 24, 60, 6, 82, 12), limb(3, 8, 44, 24, 46, 8, 62, -2), limb(3, 8, 44, 24, 36, 6, 24, -2), limb(3, 7, 44, 24, 54, 32, 62, 48))},
			{bark, union(disc(40, 28, 4), disc(48, 29, 4))},
		}}},
	},
	{
		Name: "cactus", Plural: "cacti", Category: Plant,
		Tall: 0.50, Found: desert, Colours: []Colour{Green},
		Poses: []pose{{Parts: []part{
			{leaf, union(limb(18, 18, 34, 98, 34, 10), limb(11, 11, 34, 66, 12, 62, 10, 34), limb(11, 11, 34, 56, 56, 52, 58, 22))},
			{moss, union(line(1.6, 30, 92, 30, 10), line(1.6, 37, 92, 37, 10), line(1.4, 10, 56, 10, 36), line(1.4, 58, 46, 58, 24))}, {rose, union(disc(34, 2, 5), disc(58, 17, 4))},
		}}},
	},
	{
		Name: "flower", Plural: "flowers", Category: Plant,
		Tall: 0.33, Found: meadow | forest | mountains, Colours: []Colour{Red, Yellow, Blue, Purple, Pink, White},
		Poses: []pose{{Parts: []part{
			{leaf, union(limb(4, 4, 34, 99, 33, 60, 34, 34), blob(34, 88, 16, 68, 4, 66, 12, 82), blob(34, 80, 52, 60, 64, 60, 56, 76))},
			{bare, union(disc(34, 10, 11), disc(34, 44, 11), disc(18, 18, 11), disc(50, 18, 11), disc(18, 36, 11), disc(50, 36, 11))}, {gold, disc(34, 27, 10)}, {bark, disc(34, 27, 4)},
		}}},
	},
	{
		Name: "bush", Plural: "bushes", Category: Plant,
		Tall: 0.28, Found: country | street | desert, Colours: []Colour{Green}, Most: 3,
		Poses: []pose{{Parts: []part{
			{moss, union(disc(30, 68, 28), disc(70, 58, 34), disc(112, 68, 28), box(20, 64, 122, 98))}, {leaf, union(disc(34, 58, 20), disc(70, 42, 25), disc(106, 58, 20))}, {brick, union(disc(40, 62, 5), disc(68, 40, 5), disc(92, 64, 5), disc(112, 54, 5), disc(64, 74, 5))},
		}}},
	},
	{
		Name: "mushroom", Plural: "mushrooms", Category: Plant,
		Tall: 0.26, Found: forest | meadow, Colours: []Colour{Red, Brown, White, Orange}, Patterns: spots,
		Poses: []pose{{Parts: []part{
			{ivory, blob(36, 44, 64, 44, 62, 70, 68, 98, 32, 98, 38, 70)}, {main, blob(-4, 52, 10, 20, 50, 0, 90, 20, 104, 52, 50, 60)}, {ivory, limb(3, 3, 4, 54, 50, 60, 96, 54)},
		}}},
	},
	{
		Name: "potted plant", Plural: "potted plants", Category: Plant,
		Tall: 0.35, Found: indoors, Colours: []Colour{Red, Orange, Yellow, Blue, Purple, White, Brown}, Patterns: stripes, Most: 2,
		Poses: []pose{{Parts: []part{
			{moss, union(limb(3, 12, 40, 66, 24, 40, 4, 36), limb(3, 12, 40, 66, 56, 40, 76, 36))}, {leaf, union(limb(3, 12, 40, 66, 30, 34, 18, 12), limb(3, 12, 40, 66, 50, 34, 62, 12), limb(3, 13, 40, 66, 41, 34, 40, 2))},
			{main, poly(18, 64, 62, 64, 56, 100, 24, 100)}, {dark, box(15, 60, 65, 69)},
		}}},
	},
}
