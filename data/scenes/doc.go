// Package scenes draws a world of its own: captioned pictures of animals,
// vehicles, houses, fruit and more in ten places, by day and night and in four
// kinds of weather. The pictures are generated. They are drawings made by a
// program, not photographs, and whoever shows them says so.
//
// A fresh machine has no photographs that may be shipped and no captions for
// them. This package gives it as many as it likes from a seed: enough to train
// small models, to fill a gallery, to show to a simulated subject. As the scene
// graph of each picture is known, captions are true by construction and a
// simulated brain can answer to what is in the picture.
//
// # The same bytes everywhere
//
// A scene is a function of the seed of its world, its split and its number, and
// a picture is a function of its scene and its size. Both come out the same, to
// the last bit, on every machine: random numbers come from this package's own
// generator, shapes are filled in fixed point, colours are integers, and every
// product that is added to something is rounded first, since a compiler may
// otherwise fuse the two on some machines and not on others.
//
// # How a thing is described
//
// Each kind is an entry of a table, one file per category: its name, how large
// it is, where it is found, which colours it comes in, and its parts in the
// order in which they are painted, in a frame that is 100 high and whose bottom
// stands on the ground. Shapes are few: smooth outlines, limbs, polygons,
// ellipses and boxes. A new kind takes about ten lines:
//
//	{
//		Name: "mushroom", Plural: "mushrooms", Category: Plant,
//		Tall: 0.26, Found: forest | meadow, Colours: anyColour, Patterns: spots,
//		Poses: []pose{{Parts: []part{
//			{ivory, blob(36, 44, 64, 44, 62, 70, 68, 98, 32, 98, 38, 70)},
//			{main, blob(-4, 52, 10, 20, 50, 0, 90, 20, 104, 52, 50, 60)},
//		}}},
//	},
//
// Captions, the vocabulary and the simulated world follow from the table. The
// one thing to do after a change is to look at the pictures, and then to renew
// the checksum of the tests: every world has changed.
package scenes
