package scenes

// animals face right. Their far legs come first, then the tail, the body, the
// head and the near legs.
var animals = []kind{
	{
		Name: "zebra", Plural: "zebras", Category: Animal, Profile: true,
		Tall: 0.44, Found: meadow | forest | desert,
		Colours: []Colour{White}, Patterns: []Pattern{Striped},
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
}
