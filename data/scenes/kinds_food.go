package scenes

var foods = []kind{
	{
		Name: "apple", Plural: "apples", Category: Food,
		Tall: 0.19, Found: kitchen | meadow, Colours: []Colour{Red, Green, Yellow},
		Poses: []pose{{Parts: []part{
			{bark, limb(5, 4, 50, 26, 52, 12, 58, 0)}, {leaf, blob(56, 12, 70, -2, 88, 4, 74, 18)},
			{bare, blob(50, 26, 72, 16, 94, 28, 98, 56, 82, 90, 62, 100, 50, 95, 38, 100, 18, 90, 2, 56, 6, 28, 28, 16)}, {light, ellipse(28, 44, 9, 14)},
		}}},
	},
	{
		Name: "pear", Plural: "pears", Category: Food,
		Tall: 0.23, Found: kitchen | meadow, Colours: []Colour{Green, Yellow},
		Poses: []pose{{Parts: []part{
			{bark, limb(5, 4, 38, 14, 42, 0)}, {bare, blob(38, 10, 52, 18, 56, 42, 74, 66, 70, 92, 38, 100, 6, 92, 2, 66, 20, 42, 24, 18)}, {light, ellipse(22, 66, 7, 13)},
		}}},
	},
	{
		Name: "banana", Plural: "bananas", Category: Food,
		Tall: 0.15, Found: kitchen, Colours: []Colour{Yellow, Green}, Most: 3,
		Poses: []pose{{Parts: []part{
			{bare, blob(4, 22, 18, 8, 30, 46, 66, 68, 110, 64, 148, 34, 160, 44, 140, 84, 90, 104, 40, 92, 10, 60)}, {dark, limb(3, 3, 16, 34, 42, 76, 90, 88, 146, 54)}, {bark, union(blob(4, 22, 4, 4, 16, 4, 18, 16), disc(155, 40, 6))},
		}}},
	},
	{
		Name: "lemon", Plural: "lemons", Category: Food,
		Tall: 0.14, Found: kitchen, Colours: []Colour{Yellow},
		Poses: []pose{{Parts: []part{
			{bare, blob(0, 54, 16, 42, 34, 14, 76, 2, 116, 18, 132, 42, 148, 52, 132, 66, 112, 90, 70, 100, 32, 84, 16, 64)}, {light, ellipse(54, 34, 18, 9)}, {leaf, blob(130, 40, 146, 12, 168, 10, 154, 38)},
		}}},
	},
	{
		Name: "strawberry", Plural: "strawberries", Category: Food,
		Tall: 0.18, Found: kitchen, Colours: []Colour{Red},
		Poses: []pose{{Parts: []part{
			{bare, blob(40, 14, 70, 14, 80, 38, 62, 76, 40, 100, 18, 76, 0, 38, 10, 14)}, {gold, union(disc(20, 40, 3), disc(40, 36, 3), disc(60, 40, 3), disc(28, 58, 3), disc(52, 58, 3), disc(40, 76, 3))},
			{leaf, union(poly(40, 4, 4, 6, 30, 26), poly(40, 4, 76, 6, 50, 26), poly(30, 8, 50, 8, 40, 36), limb(5, 4, 40, 10, 44, -6))},
		}}},
	},
	{
		Name: "cherry", Plural: "cherries", Category: Food,
		Tall: 0.19, Found: kitchen, Colours: []Colour{Red, Black}, Most: 3,
		Poses: []pose{{Parts: []part{
			{leaf, union(limb(4, 4, 22, 66, 34, 30, 60, 2), limb(4, 4, 74, 68, 68, 30, 60, 2), blob(60, 4, 78, -6, 100, 6, 82, 18))}, {bare, union(disc(22, 76, 23), disc(76, 76, 23))}, {light, union(disc(15, 68, 6), disc(69, 68, 6))},
		}}},
	},
	{
		Name: "pizza", Plural: "pizzas", Category: Food,
		Tall: 0.26, Found: kitchen, Colours: []Colour{Yellow}, Most: 2,
		Poses: []pose{{Parts: []part{
			{timber, ellipse(80, 54, 80, 46)}, {fixed(0xD9442B), ellipse(80, 50, 70, 38)}, {gold, ellipse(80, 50, 65, 34)}, {fixed(0xC03A24), union(ellipse(50, 40, 12, 8), ellipse(92, 32, 12, 8), ellipse(116, 52, 12, 8), ellipse(76, 60, 12, 8), ellipse(40, 62, 10, 7), ellipse(106, 72, 11, 7))}, {leaf, union(ellipse(66, 44, 5, 3), ellipse(98, 58, 5, 3), ellipse(58, 72, 5, 3), ellipse(74, 26, 5, 3))},
		}}},
	},
	{
		Name: "cake", Plural: "cakes", Category: Food,
		Tall: 0.29, Found: kitchen, Colours: []Colour{Pink, White, Brown, Yellow}, Most: 2,
		Poses: []pose{{Parts: []part{
			{steel, ellipse(60, 94, 62, 7)}, {light, union(box(10, 44, 110, 88), ellipse(60, 88, 50, 8))}, {bare, union(ellipse(60, 44, 50, 9), box(10, 43, 110, 54), disc(20, 56, 9), disc(38, 58, 10), disc(58, 56, 9), disc(78, 59, 10), disc(98, 56, 9))},
			{bare, box(10, 72, 110, 78)}, {chalk, union(box(31, 20, 36, 44), box(57, 18, 62, 44), box(83, 20, 88, 44))}, {beak, union(ellipse(33.5, 12, 4, 7), ellipse(59.5, 9, 4, 7), ellipse(85.5, 12, 4, 7))}, {brick, union(disc(46, 42, 5), disc(74, 42, 5))},
		}}},
	},
	{
		Name: "loaf", Plural: "loaves", Category: Food,
		Tall: 0.18, Found: kitchen, Colours: []Colour{Brown}, Most: 2,
		Poses: []pose{{Parts: []part{
			{timber, blob(2, 70, 16, 28, 80, 10, 150, 26, 166, 70, 150, 98, 20, 98)}, {ivory, union(limb(8, 5, 44, 26, 56, 42, 54, 58), limb(8, 5, 76, 20, 90, 38, 88, 56), limb(8, 5, 110, 22, 124, 40, 122, 58))}, {bark, limb(4, 4, 12, 92, 84, 98, 154, 92)},
		}}},
	},
	{
		Name: "carrot", Plural: "carrots", Category: Food,
		Tall: 0.26, Found: kitchen | meadow, Colours: []Colour{Orange},
		Poses: []pose{{Parts: []part{
			{leaf, union(limb(3, 6, 26, 34, 12, 14, 8, 0), limb(3, 6, 26, 34, 26, 12, 26, -4), limb(3, 6, 26, 34, 40, 14, 44, 0))}, {bare, blob(8, 36, 26, 28, 44, 36, 38, 68, 27, 101, 15, 68)}, {dark, union(line(2, 14, 46, 28, 48), line(2, 24, 60, 38, 60), line(2, 18, 74, 28, 75))},
		}}},
	},
	{
		Name: "pumpkin", Plural: "pumpkins", Category: Food,
		Tall: 0.26, Found: kitchen | meadow | forest, Colours: []Colour{Orange}, Most: 3,
		Poses: []pose{{Parts: []part{
			{moss, limb(10, 7, 62, 24, 62, 8, 72, 0)}, {dark, union(ellipse(28, 60, 28, 36), ellipse(98, 60, 28, 36))}, {bare, union(ellipse(44, 60, 25, 39), ellipse(82, 60, 25, 39))}, {light, ellipse(63, 60, 19, 40)},
		}}},
	},
	{
		Name: "ice cream", Plural: "ice creams", Category: Food,
		Tall: 0.31, Found: kitchen | beach | street, Colours: []Colour{Pink, White, Brown, Green}, Most: 2,
		Poses: []pose{{Parts: []part{
			{timber, poly(10, 46, 54, 46, 32, 100)}, {bark, union(line(1.5, 18, 48, 39, 82), line(1.5, 46, 48, 25, 82), line(1.5, 32, 48, 45, 66), line(1.5, 32, 48, 19, 66))}, {bare, union(disc(20, 38, 15), disc(44, 38, 15), disc(32, 20, 19))}, {light, disc(26, 14, 6)}, {brick, disc(34, 0, 6)},
		}}},
	},
}
