package scenes

import (
	"image"
	"slices"
)

// Shows tells whether a thing of the kind is in the scene.
func (s *Scene) Shows(k Kind) bool {
	return slices.ContainsFunc(s.Things, func(t Thing) bool { return t.Kind == k })
}

// Visible returns how much of the picture each thing takes where no nearer
// thing hides it, as a share of the picture's area, in the order of Things.
func (s *Scene) Visible() []float64 {
	const size = 128
	c := newCanvas(nil, size)
	hidden := make([]uint8, size*size)
	out := make([]float64, len(s.Things))
	for i := len(s.Things) - 1; i >= 0; i-- {
		t := &s.Things[i]
		drawing := &drawings[t.Kind][t.Pose]
		c.cover(c.mask, t.frame(drawing.extent, size), drawing.outline, image.Rect(0, 0, size, size))
		sum := 0
		for j, m := range c.mask.Pix {
			if m > hidden[j] {
				sum += int(m - hidden[j])
				hidden[j] = m
			}
		}
		out[i] = float64(sum) / (255 * size * size)
	}
	return out
}
