package caption

import (
	"fmt"

	"engram/data/half"
)

// memory are the image tokens of the training images. A decoder knows them along its components
// alone, which leave out small details, and details tell what kind a thing is of.
type memory struct {
	width  int      // T·D; 0: nothing is kept
	tokens []uint16 // [images, T·D] in half precision, in the order of scan.LeftOut
}

// memory reads the tokens of the images that trials saw.
func (d *Data) memory() (memory, error) {
	var m memory
	var images []int
	seen := map[int]bool{}
	for _, image := range d.Images {
		if !seen[image] {
			seen[image] = true
			images = append(images, image)
		}
	}
	if d.Tokens == nil || d.Width < 1 || len(images) > MostElements/d.Width {
		return m, nil
	}
	m.width, m.tokens = d.Width, make([]uint16, 0, len(images)*d.Width)
	row := make([]float32, d.Width)
	for _, image := range images {
		if err := d.Tokens(row, image); err != nil {
			return m, fmt.Errorf("image tokens: %w", err)
		}
		for _, x := range row {
			m.tokens = append(m.tokens, half.Bits(x))
		}
	}
	return m, nil
}

// Remembers tells whether the model keeps image tokens of so many elements for each image.
func (p *Predictor) Remembers(width int) bool { return p.memory.width == width }

// least is the weight, as a share of all, below which an image counts for nothing.
const least = 1e-4

// Mean writes to dst, [T·D], the mean of the training images' tokens by weights, one for each
// image in the order of scan.LeftOut, whose sum is 1.
func (p *Predictor) Mean(dst []float32, weights []float64) error {
	m := p.memory
	if len(weights) != len(p.known.of) || len(dst) != m.width {
		return fmt.Errorf("caption: wanted a weight for each of %d images and %d elements, found %d and %d: %w",
			len(p.known.of), m.width, len(weights), len(dst), ErrMismatch)
	}
	var sum float64
	for _, w := range weights {
		if w >= least {
			sum += w
		}
	}
	clear(dst)
	for i, w := range weights {
		if w < least {
			continue
		}
		share := float32(w / sum)
		for k, bits := range m.tokens[i*m.width:][:m.width] {
			dst[k] += share * half.Float32(bits)
		}
	}
	return nil
}
