package pixels

import "fmt"

// Image returns the image that a tensor [3, Size, Size] shows, such as a
// generative model makes: the normalisation backwards, rounded, with what lies
// outside of 0…255 cut off; NaN is 0. Apply with the same options turns the image into the
// tensor again, but for the rounding. It fails where the tensor has another
// number of elements.
func (o *Options) Image(tensor []float32) (*Image, error) {
	area := o.Size * o.Size
	if len(tensor) != 3*area {
		return nil, fmt.Errorf("pixels: tensor has %d elements, wanted 3×%d×%d = %d", len(tensor), o.Size, o.Size, 3*area)
	}
	img := newImage(o.Size, o.Size)
	scale := 255 / (o.Range[1] - o.Range[0])
	for c := range 3 {
		for p, x := range tensor[c*area:][:area] {
			v := (float64(x)*o.Std[c] + o.Mean[c] - o.Range[0]) * scale
			if v > 0 {
				img.Pix[3*p+c] = byte(min(255, v) + .5)
			}
		}
	}
	return img, nil
}
