package scenes

// animals face right. Their far legs come first, then the tail, the body, the
// head and the near legs.
var animals = []kind{
	{
		Name: "zebra", Plural: "zebras", Category: Animal, Profile: true,
		Tall: 0.52, Found: meadow | forest | desert,
		Colours: []Colour{White}, Patterns: []Pattern{Striped}, Accent: []Colour{Black},
		Poses: []pose{
			{"standing", []part{
				{darkCoat, union(limb(8, 5, 38, 58, 37, 80, 38, 98), limb(8, 5, 84, 58, 85, 80, 84, 98))},
				{bare, limb(4, 3, 18, 42, 11, 52, 11, 64)}, {ink, limb(4, 6, 11, 62, 10, 74)},
				{ink, limb(8, 7, 72, 31, 86, 15, 101, 5)},
				{main, union(
					blob(16, 46, 24, 34, 50, 36, 76, 32, 92, 36, 96, 52, 84, 64, 56, 67, 30, 66, 18, 60),
					limb(26, 14, 82, 46, 96, 28, 106, 14))},
				{mainLying, union(limb(12, 6, 26, 56, 29, 74, 27, 96), limb(11, 6, 92, 54, 93, 76, 93, 96))},
				{mainLying, blob(98, 12, 106, 4, 114, 12, 128, 26, 130, 33, 122, 37, 110, 28, 100, 24)},
				{ink, union(blob(120, 27, 128, 25, 132, 31, 127, 37, 121, 36), disc(112, 14, 2))},
				{main, poly(100, 8, 100, -4, 107, 6)},
				{ink, union(box(23, 94, 31, 100), box(89, 94, 97, 100), box(35, 95, 41, 100), box(81, 95, 87, 100))},
			}},
			{"grazing", []part{
				{darkCoat, union(limb(8, 5, 38, 38, 37, 60, 38, 78), limb(8, 5, 80, 38, 79, 60, 80, 78))},
				{bare, limb(4, 3, 18, 22, 11, 32, 11, 44)}, {ink, limb(4, 6, 11, 42, 10, 54)},
				{ink, limb(7, 7, 84, 8, 102, 24, 112, 48)},
				{main, union(
					blob(16, 26, 24, 14, 50, 16, 76, 9, 92, 13, 98, 30, 84, 44, 56, 47, 30, 46, 18, 40),
					limb(24, 13, 86, 26, 100, 40, 107, 58))},
				{mainLying, union(limb(12, 6, 26, 36, 29, 54, 27, 76), limb(11, 6, 90, 34, 92, 56, 94, 76))},
				{mainLying, blob(98, 56, 108, 48, 116, 56, 118, 72, 116, 80, 108, 80, 102, 70)},
				{ink, union(blob(107, 72, 118, 72, 118, 79, 113, 82, 107, 79), disc(109, 60, 2))},
				{main, poly(108, 52, 120, 44, 117, 56)},
				{ink, union(box(23, 74, 31, 80), box(90, 74, 98, 80), box(35, 75, 41, 80), box(77, 75, 83, 80))},
			}},
			{"running", []part{
				{darkCoat, union(limb(10, 5, 30, 54, 14, 66, 2, 84), limb(9, 5, 92, 54, 108, 60, 118, 74))},
				{bare, limb(4, 3, 18, 40, 4, 38, -6, 42)}, {ink, limb(4, 6, -6, 42, -16, 48)},
				{ink, limb(8, 7, 76, 28, 94, 14, 112, 6)},
				{main, union(
					blob(16, 42, 26, 32, 50, 33, 76, 28, 94, 32, 98, 48, 86, 60, 58, 62, 32, 62, 18, 56),
					limb(26, 14, 86, 42, 102, 26, 115, 16))},
				{mainLying, union(limb(13, 6, 26, 54, 24, 72, 8, 90), limb(12, 6, 92, 50, 112, 66, 108, 86))},
				{mainLying, blob(106, 14, 114, 6, 122, 12, 138, 22, 141, 29, 134, 34, 120, 28, 109, 25)},
				{ink, union(blob(131, 23, 138, 21, 143, 27, 139, 33, 132, 33), disc(122, 14, 2))},
				{main, poly(107, 10, 104, -2, 114, 6)},
			}},
		},
	},
	{
		Name: "horse", Plural: "horses", Category: Animal, Profile: true,
		Tall: 0.46, Found: meadow | mountains | street, Colours: furs,
		Poses: []pose{
			{"standing", []part{
				{dark, union(limb(9, 5, 38, 58, 37, 80, 38, 98), limb(9, 5, 84, 58, 85, 80, 84, 98))},
				{ink, limb(5, 10, 18, 42, 8, 52, 8, 76)},
				{bare, union(
					blob(16, 46, 24, 34, 50, 37, 76, 32, 92, 36, 96, 52, 84, 63, 56, 63, 30, 66, 18, 60),
					limb(26, 14, 82, 46, 96, 28, 104, 12), limb(13, 6, 26, 56, 29, 74, 27, 97), limb(11, 6, 92, 54, 93, 76, 93, 97),
					blob(97, 10, 105, 3, 113, 11, 129, 27, 130, 34, 122, 37, 110, 28, 99, 22), poly(99, 8, 101, -5, 107, 6))},
				{ink, union(limb(11, 9, 72, 32, 84, 18, 97, 3), box(23, 94, 31, 100), box(89, 94, 97, 100), disc(111, 13, 2))},
			}},
			{"running", []part{
				{dark, union(limb(10, 5, 30, 54, 14, 66, 0, 80), limb(9, 5, 92, 54, 110, 60, 120, 76))},
				{ink, limb(5, 12, 18, 40, 2, 38, -16, 48)},
				{bare, union(
					blob(16, 42, 26, 32, 50, 34, 76, 28, 94, 32, 98, 48, 86, 60, 58, 60, 32, 62, 18, 56),
					limb(26, 14, 86, 42, 102, 26, 113, 14), limb(13, 6, 26, 54, 26, 74, 8, 92), limb(12, 6, 92, 50, 112, 66, 104, 88),
					blob(105, 12, 112, 5, 120, 11, 137, 24, 140, 31, 132, 35, 118, 29, 107, 23), poly(106, 9, 105, -4, 113, 6))},
				{ink, union(limb(12, 9, 70, 28, 86, 12, 104, 3), disc(120, 14, 2))},
			}},
		},
	},
	{
		Name: "cow", Plural: "cows", Category: Animal, Profile: true,
		Tall: 0.47, Found: meadow | mountains, Colours: []Colour{White}, Patterns: []Pattern{Spotted}, Accent: []Colour{Black, Brown},
		Poses: []pose{{Parts: []part{
			{dark, union(limb(9, 8, 36, 66, 36, 96), limb(9, 8, 92, 66, 92, 96))},
			{bare, limb(3, 3, 14, 34, 6, 50, 8, 70)}, {ink, disc(8, 74, 5)},
			{main, blob(12, 34, 22, 24, 60, 26, 96, 22, 108, 34, 106, 58, 92, 72, 50, 76, 22, 72, 12, 56)},
			{rose, ellipse(48, 77, 9, 7)},
			{main, union(limb(10, 8, 24, 64, 25, 96), limb(10, 8, 102, 62, 103, 96))},
			{ink, union(box(20, 94, 30, 100), box(98, 94, 108, 100), box(32, 94, 41, 100), box(88, 94, 97, 100))},
			{ivory, union(limb(5, 2, 112, 12, 106, 2, 112, -6), limb(5, 2, 128, 12, 134, 2, 128, -6))},
			{bare, union(ellipse(104, 18, 8, 4), ellipse(136, 18, 8, 4))},
			{main, blob(108, 12, 120, 8, 132, 12, 132, 34, 128, 46, 112, 46, 108, 34)},
			{rose, ellipse(120, 44, 12, 8)}, {ink, union(disc(114, 22, 2.5), disc(126, 22, 2.5), disc(115, 44, 2), disc(125, 44, 2))},
		}}},
	},
	{
		Name: "sheep", Plural: "sheep", Category: Animal, Profile: true,
		Tall: 0.37, Found: meadow | mountains, Colours: []Colour{White, White, Black, Grey},
		Poses: []pose{{Parts: []part{
			{ink, union(limb(8, 7, 36, 70, 36, 97), limb(8, 7, 50, 70, 50, 97), limb(8, 7, 82, 70, 82, 97), limb(8, 7, 95, 70, 95, 97))},
			{bare, union(disc(30, 36, 20), disc(52, 26, 22), disc(78, 26, 21), disc(98, 36, 19), disc(102, 54, 18), disc(84, 64, 20), disc(58, 66, 21), disc(34, 60, 20), box(40, 30, 95, 62))},
			{ink, union(blob(104, 18, 116, 12, 130, 24, 138, 38, 130, 46, 116, 42, 106, 34), ellipse(103, 26, 9, 4))},
			{bare, disc(108, 16, 9)}, {chalk, disc(121, 26, 3.5)}, {ink, disc(122, 26, 1.8)},
		}}},
	},
	{
		Name: "pig", Plural: "pigs", Also: [2]string{"hog", "hogs"}, Category: Animal, Profile: true,
		Tall: 0.32, Found: meadow | street, Colours: []Colour{Pink},
		Poses: []pose{{Parts: []part{
			{dark, union(limb(14, 10, 40, 72, 40, 95), limb(14, 10, 100, 72, 100, 95))},
			{bare, limb(4, 3, 12, 44, 2, 38, 2, 28, 10, 30)},
			{bare, union(blob(8, 50, 18, 22, 60, 10, 104, 18, 118, 46, 104, 76, 60, 84, 20, 76), limb(15, 11, 26, 72, 26, 95), limb(15, 11, 86, 74, 86, 95), disc(118, 42, 24))},
			{light, ellipse(140, 48, 9, 12)}, {ink, union(ellipse(138, 46, 2, 3), ellipse(144, 46, 2, 3), disc(124, 34, 3))},
			{dark, poly(102, 24, 106, 4, 122, 20)},
			{iron, union(box(20, 93, 33, 100), box(80, 93, 93, 100))},
		}}},
	},
	{
		Name: "dog", Plural: "dogs", Category: Animal, Profile: true,
		Tall: 0.36, Found: meadow | beach | street | snowfield | livingRoom | forest, Colours: furs,
		Patterns: spots, Accent: []Colour{White, Black},
		Poses: []pose{
			{"standing", []part{
				{dark, union(limb(9, 7, 34, 66, 34, 96), limb(9, 7, 82, 66, 84, 96))},
				{main, union(
					limb(8, 4, 20, 46, 6, 32, 2, 14), blob(16, 46, 30, 36, 62, 38, 88, 34, 98, 48, 90, 64, 60, 64, 28, 66),
					limb(11, 8, 24, 58, 26, 96), limb(10, 8, 90, 58, 92, 96), limb(22, 18, 86, 46, 100, 28),
					blob(90, 22, 98, 8, 114, 10, 120, 22, 136, 28, 136, 38, 116, 42, 96, 36))},
				{dark, blob(92, 8, 100, 8, 104, 24, 98, 40, 90, 34)},
				{ink, union(ellipse(135, 29, 5, 4), disc(114, 20, 3))},
			}},
			{"sitting", []part{
				{bare, limb(8, 4, 34, 92, 14, 90, 6, 78)},
				{main, union(
					blob(30, 98, 26, 76, 40, 52, 60, 38, 78, 40, 82, 62, 72, 98), limb(11, 9, 74, 56, 80, 96), limb(9, 10, 80, 96, 86, 96), ellipse(46, 86, 20, 13),
					limb(22, 20, 70, 44, 74, 24), blob(60, 18, 68, 2, 86, 4, 92, 16, 108, 22, 108, 32, 88, 36, 66, 32))},
				{dark, blob(62, 4, 71, 3, 75, 20, 69, 36, 60, 30)},
				{ink, union(ellipse(107, 23, 5, 4), disc(85, 15, 3))},
			}},
		},
	},
	{
		Name: "cat", Plural: "cats", Category: Animal,
		Tall: 0.31, Found: meadow | street | livingRoom, Colours: []Colour{Black, White, Grey, Orange},
		Patterns: stripes, Accent: []Colour{Brown},
		Poses: []pose{
			{"sitting", []part{
				{bare, limb(9, 6, 30, 94, 4, 92, 2, 70, 12, 58)},
				{main, union(blob(24, 98, 22, 74, 36, 50, 56, 44, 72, 56, 76, 98), ellipse(54, 26, 25, 22),
					poly(32, 20, 32, -6, 50, 8), poly(58, 8, 76, -6, 76, 20))},
				{light, ellipse(54, 76, 11, 20)}, {dark, union(line(2, 47, 78, 47, 98), line(2, 61, 78, 61, 98))},
				{fixed(0xC8E04A), union(ellipse(44, 24, 5.5, 5), ellipse(65, 24, 5.5, 5))},
				{ink, union(ellipse(44, 24, 1.8, 4.6), ellipse(65, 24, 1.8, 4.6))}, {rose, poly(51, 33, 58, 33, 54.5, 38)},
				{chalk, union(line(1, 32, 34, 14, 31), line(1, 32, 38, 14, 40), line(1, 76, 34, 94, 31), line(1, 76, 38, 94, 40))},
			}},
			{"walking", []part{
				{dark, union(limb(10, 8, 42, 62, 50, 96), limb(10, 8, 96, 62, 88, 96))},
				{main, union(limb(9, 6, 22, 44, 6, 30, 8, 4, 18, -6), blob(16, 46, 30, 36, 66, 40, 100, 36, 110, 50, 98, 66, 60, 66, 26, 68),
					limb(12, 8, 26, 60, 22, 96), limb(11, 8, 104, 58, 112, 96), ellipse(122, 32, 20, 18),
					poly(104, 26, 104, 2, 120, 16), poly(126, 16, 140, 2, 140, 26))},
				{fixed(0xC8E04A), union(disc(116, 30, 4.5), disc(132, 30, 4.5))}, {ink, union(ellipse(116, 30, 1.6, 4), ellipse(132, 30, 1.6, 4))},
				{rose, poly(121, 37, 127, 37, 124, 41)},
			}},
		},
	},
	{
		Name: "elephant", Plural: "elephants", Category: Animal, Profile: true,
		Tall: 0.56, Found: meadow | forest | desert, Colours: []Colour{Grey}, Most: 2,
		Poses: []pose{{Parts: []part{
			{dark, union(limb(17, 15, 36, 66, 36, 94), limb(17, 15, 84, 66, 84, 94))},
			{dark, limb(3, 3, 10, 34, 3, 50, 5, 64)},
			{bare, union(blob(8, 40, 18, 14, 54, 4, 90, 10, 104, 34, 100, 64, 60, 74, 20, 72), limb(19, 16, 22, 62, 22, 93), limb(19, 16, 94, 60, 96, 93),
				blob(92, 24, 104, 6, 124, 8, 134, 26, 130, 46, 108, 52), limb(20, 8, 124, 30, 136, 54, 134, 78, 144, 88, 152, 82))},
			{dark, blob(84, 14, 102, 10, 112, 24, 110, 46, 98, 58, 84, 44)},
			{chalk, limb(6, 2, 126, 48, 138, 60, 150, 58)}, {ink, disc(121, 24, 2.8)},
			{ivory, union(ellipse(16, 99, 4, 2), ellipse(26, 99, 4, 2), ellipse(92, 99, 4, 2), ellipse(101, 99, 4, 2))},
		}}},
	},
	{
		Name: "giraffe", Plural: "giraffes", Category: Animal, Profile: true,
		Tall: 0.74, Found: meadow | desert | forest, Colours: []Colour{Yellow}, Patterns: []Pattern{Spotted}, Accent: []Colour{Brown}, Most: 2,
		Poses: []pose{{Parts: []part{
			{dark, union(limb(5, 4, 18, 66, 18, 99), limb(5, 4, 42, 66, 42, 99))},
			{bare, limb(2, 2, 6, 56, 3, 66)}, {ink, disc(3, 69, 2.5)},
			{main, union(blob(6, 56, 14, 50, 34, 46, 48, 44, 51, 56, 44, 68, 24, 68, 8, 64), limb(13, 7, 44, 52, 54, 30, 60, 8),
				limb(6, 4, 11, 62, 12, 99), limb(6, 4, 47, 60, 49, 99))},
			{bare, union(blob(56, 6, 60, 1, 66, 4, 77, 12, 76, 17, 68, 17, 58, 12), line(2, 60, 4, 58, -4), line(2, 64, 4, 64, -4), poly(58, 5, 51, 2, 57, 9))},
			{bark, union(disc(58, -5, 2), disc(64, -5, 2))}, {ink, disc(65, 7, 1.6)},
		}}},
	},
}
