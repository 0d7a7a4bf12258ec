package scenes

// people wear their colour. Skin and hair are each individual's own.
var people = []kind{
	{
		Name: "man", Plural: "men", Wears: "shirt", Category: Person,
		Tall: 0.46, Found: land | livingRoom, Colours: anyColour, Patterns: anyCoat,
		Poses: []pose{
			{"standing", []part{
				{fixed(0x2F3A52), union(limb(10, 8, 24, 54, 23, 94), limb(10, 8, 36, 54, 37, 94))},
				{ink, union(ellipse(21, 97, 7, 3.5), ellipse(39, 97, 7, 3.5))},
				{skin, union(disc(9, 57, 4), disc(51, 57, 4), box(26, 16, 34, 24))},
				{dark, union(limb(8, 7, 17, 27, 10, 52), limb(8, 7, 43, 27, 50, 52))},
				{main, blob(15, 26, 22, 21, 38, 21, 45, 26, 42, 42, 42, 58, 18, 58, 18, 42)},
				{skin, ellipse(30, 11, 8.5, 10)}, {hair, blob(21, 9, 24, 1, 30, -1, 37, 1, 39, 9, 34, 6, 26, 6)},
				{ink, union(disc(27, 11, 1.2), disc(33, 11, 1.2), line(1, 27, 16, 33, 16))},
			}},
			{"waving", []part{
				{fixed(0x2F3A52), union(limb(10, 8, 24, 54, 20, 94), limb(10, 8, 36, 54, 40, 94))},
				{ink, union(ellipse(18, 97, 7, 3.5), ellipse(42, 97, 7, 3.5))},
				{skin, union(disc(9, 57, 4), disc(60, 0, 4.5), box(26, 16, 34, 24))},
				{dark, union(limb(8, 7, 17, 27, 10, 52), limb(8, 7, 43, 27, 54, 20, 59, 4))},
				{main, blob(15, 26, 22, 21, 38, 21, 45, 26, 42, 42, 42, 58, 18, 58, 18, 42)},
				{skin, ellipse(30, 11, 8.5, 10)}, {hair, blob(21, 9, 24, 1, 30, -1, 37, 1, 39, 9, 34, 6, 26, 6)},
				{ink, union(disc(27, 11, 1.2), disc(33, 11, 1.2), line(1, 27, 16, 33, 16))},
			}},
		},
	},
	{
		Name: "woman", Plural: "women", Wears: "dress", Category: Person,
		Tall: 0.51, Found: land | livingRoom, Colours: anyColour, Patterns: anyCoat,
		Poses: []pose{
			{"standing", []part{
				{hair, blob(19, 12, 22, 0, 30, -3, 38, 0, 41, 12, 43, 32, 30, 34, 17, 32)},
				{skin, union(limb(6, 5, 25, 76, 25, 95), limb(6, 5, 35, 76, 35, 95), disc(10, 56, 3.6), disc(50, 56, 3.6), box(27, 16, 33, 24))},
				{ink, union(ellipse(23, 98, 6, 3), ellipse(37, 98, 6, 3))},
				{dark, union(limb(7, 6, 19, 27, 11, 52), limb(7, 6, 41, 27, 49, 52))},
				{main, union(blob(18, 26, 24, 22, 36, 22, 42, 26, 38, 44, 22, 44), poly(22, 42, 38, 42, 51, 80, 9, 80))},
				{skin, ellipse(30, 11, 8, 9.5)}, {hair, blob(21, 10, 24, 0, 30, -2, 36, 0, 39, 10, 33, 4, 25, 5)},
				{ink, union(disc(27, 11, 1.2), disc(33, 11, 1.2))}, {brick, ellipse(30, 16, 2.5, 1)},
			}},
			{"waving", []part{
				{hair, blob(19, 12, 22, 0, 30, -3, 38, 0, 41, 12, 43, 32, 30, 34, 17, 32)},
				{skin, union(limb(6, 5, 25, 76, 25, 95), limb(6, 5, 35, 76, 35, 95), disc(10, 56, 3.6), disc(60, 1, 4), box(27, 16, 33, 24))},
				{ink, union(ellipse(23, 98, 6, 3), ellipse(37, 98, 6, 3))},
				{dark, union(limb(7, 6, 19, 27, 11, 52), limb(7, 6, 41, 27, 53, 20, 59, 4))},
				{main, union(blob(18, 26, 24, 22, 36, 22, 42, 26, 38, 44, 22, 44), poly(22, 42, 38, 42, 51, 80, 9, 80))},
				{skin, ellipse(30, 11, 8, 9.5)}, {hair, blob(21, 10, 24, 0, 30, -2, 36, 0, 39, 10, 33, 4, 25, 5)},
				{ink, union(disc(27, 11, 1.2), disc(33, 11, 1.2))}, {brick, ellipse(30, 16, 2.5, 1)},
			}},
		},
	},
	{
		Name: "child", Plural: "children", Also: [2]string{"kid", "kids"}, Wears: "shirt", Category: Person,
		Tall: 0.35, Found: land | livingRoom, Colours: anyColour, Patterns: stripes,
		Poses: []pose{
			{"standing", []part{
				{fixed(0x4C6FA8), union(limb(12, 10, 26, 66, 25, 92), limb(12, 10, 42, 66, 43, 92))},
				{ink, union(ellipse(22, 96, 9, 4), ellipse(46, 96, 9, 4))},
				{skin, union(disc(8, 64, 5), disc(60, 64, 5))}, {dark, union(limb(10, 9, 20, 42, 10, 60), limb(10, 9, 48, 42, 58, 60))},
				{main, blob(17, 42, 26, 36, 42, 36, 51, 42, 49, 70, 19, 70)},
				{skin, ellipse(34, 18, 16, 17)}, {hair, blob(17, 18, 20, 4, 34, -2, 48, 4, 51, 18, 44, 9, 26, 9)},
				{ink, union(disc(28, 19, 2), disc(40, 19, 2), limb(1.5, 1.5, 28, 26, 34, 29, 40, 26))},
			}},
			{"jumping", []part{
				{fixed(0x4C6FA8), union(limb(12, 10, 26, 62, 12, 78), limb(12, 10, 42, 62, 56, 78))},
				{ink, union(ellipse(8, 82, 8, 5), ellipse(60, 82, 8, 5))},
				{skin, union(disc(2, 18, 5), disc(66, 18, 5))}, {dark, union(limb(10, 9, 20, 42, 5, 22), limb(10, 9, 48, 42, 63, 22))},
				{main, blob(17, 42, 26, 36, 42, 36, 51, 42, 49, 68, 19, 68)},
				{skin, ellipse(34, 18, 16, 17)}, {hair, blob(17, 18, 20, 4, 34, -2, 48, 4, 51, 18, 44, 9, 26, 9)},
				{ink, union(disc(28, 19, 2), disc(40, 19, 2), ellipse(34, 27, 4, 3))},
			}},
		},
	},
}
