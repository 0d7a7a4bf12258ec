package pixels

import (
	"fmt"
	"math"
	"sync"

	"engram/embed/pixels/internal/simd"
)

// Crop says how an image that is not square becomes square.
type Crop string

// The ways to a square.
const (
	Center  Crop = "center" // the shorter side is resized to Resize, and the middle is kept
	Squeeze Crop = "none"   // both sides are resized to Size
	Pad     Crop = "pad"    // the longer side is resized to Size, and the shorter is filled up on both sides
)

// Rounding says where an odd margin goes when the middle is cropped.
type Rounding string

// The roundings of half a margin to the first pixel that is kept.
const (
	HalfEven Rounding = ""      // to the even one, as torchvision's CenterCrop
	Floor    Rounding = "floor" // down, as Hugging Face's image processors
)

// Options describe a Transform. There are no defaults: an embedding depends on
// every one of them.
type Options struct {
	Size      int // pixels per side of the result
	Filter    Filter
	Antialias bool // true: as Pillow's resize; false: as PyTorch's interpolate
	Crop      Crop
	Resize    int      // length of the shorter side before the crop Center, in pixels; 0 means Size
	Rounding  Rounding // of the crop Center
	Fill      byte     // of all three channels, beside the image of the crop Pad

	// A value v of 0…255 becomes x = Range[0] + v/255·(Range[1]−Range[0]), then
	// (x−Mean[c])/Std[c] in channel c.
	Range     [2]float64
	Mean, Std [3]float64
}

// Transform turns images into the float32 tensors of an encoder. It is safe
// for concurrent use.
type Transform struct {
	o       Options
	table   [3][256]float32 // normalised value of each byte
	gain    [3]float32      // normalised = gain·v + offset for v in 0…1
	offset  [3]float32
	scratch sync.Pool // of *scratch
}

// NewTransform returns the transform that o describes, or what is wrong with o.
func NewTransform(o Options) (*Transform, error) {
	switch {
	case o.Size < 1 || o.Size > 1<<14:
		return nil, fmt.Errorf("pixels: size is %d, wanted 1 to %d", o.Size, 1<<14)
	case o.Crop != Center && o.Crop != Squeeze && o.Crop != Pad:
		return nil, fmt.Errorf("pixels: crop is %q, wanted %s, %s or %s", o.Crop, Center, Squeeze, Pad)
	case o.Resize != 0 && (o.Crop != Center || o.Resize < o.Size || o.Resize > 1<<14):
		return nil, fmt.Errorf("pixels: resize is %d with crop %s, wanted %d to %d with crop %s", o.Resize, o.Crop, o.Size, 1<<14, Center)
	case o.Rounding != HalfEven && o.Rounding != Floor:
		return nil, fmt.Errorf("pixels: rounding is %q, wanted %q or none", o.Rounding, Floor)
	}
	if err := o.Filter.check(o.Antialias); err != nil {
		return nil, err
	}
	if o.Resize == 0 {
		o.Resize = o.Size
	}
	t := &Transform{o: o}
	for c := range 3 {
		if !(o.Std[c] > 0) {
			return nil, fmt.Errorf("pixels: std is %v, wanted positive numbers", o.Std)
		}
		t.gain[c] = float32((o.Range[1] - o.Range[0]) / o.Std[c])
		t.offset[c] = float32((o.Range[0] - o.Mean[c]) / o.Std[c])
		for v := range t.table[c] {
			x := o.Range[0] + float64(v)/255*(o.Range[1]-o.Range[0])
			t.table[c][v] = float32((x - o.Mean[c]) / o.Std[c])
		}
	}
	return t, nil
}

// Len returns the number of elements of a result: 3·Size·Size.
func (t *Transform) Len() int { return 3 * t.o.Size * t.o.Size }

// Apply writes the tensor of img to dst: [3, Size, Size], channels R, G, B,
// row-major. Only the pixels that the crop keeps are computed. It fails where
// dst does not have Len elements or img is not an image.
func (t *Transform) Apply(dst []float32, img *Image) error {
	if len(dst) != t.Len() {
		return fmt.Errorf("pixels: destination has %d elements, wanted 3×%d×%d = %d", len(dst), t.o.Size, t.o.Size, t.Len())
	}
	if err := img.check(); err != nil {
		return err
	}
	x, y := t.o.windows(img.W, img.H)
	left, top := t.o.place(x.n), t.o.place(y.n)
	if x.n < t.o.Size || y.n < t.o.Size {
		t.paint(dst)
	}
	s, _ := t.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	defer t.scratch.Put(s)
	if !t.o.Antialias {
		r := resizer[float32, float32]{
			img: img, x: t.o.Filter.interpolated(x), y: t.o.Filter.interpolated(y), across: acrossFloat, down: downFloat,
		}
		r.rowsFirst(&s.floats, func(row int, line []float32) { t.normalizeFloat(dst, (top+row)*t.o.Size+left, line) })
		return nil
	}
	r := resizer[byte, int32]{
		img: img, x: t.o.Filter.antialiased(x), y: t.o.Filter.antialiased(y), across: acrossFixed, down: simd.Best().Down,
	}
	emit := func(row int, line []byte) { t.normalizeBytes(dst, (top+row)*t.o.Size+left, line) }
	// Rounding between the passes makes their order visible. This is the order
	// of Pillow 13, found by experiment; Pillow up to 12 always took rows first.
	if y.saved() > 0 && y.saved() > 2*x.saved() {
		columnsFirst(r, &s.bytes, emit)
	} else {
		r.rowsFirst(&s.bytes, emit)
	}
	return nil
}

// windows returns, for an image of w by h pixels, the resize along both axes and
// the part of it that is wanted. The longer side before a crop is cut off to an
// integer, as in torchvision (_compute_resized_image_output_size) and Hugging
// Face's get_resize_output_image_size.
func (o *Options) windows(w, h int) (x, y window) {
	x, y = window{in: w, out: o.Size, n: o.Size}, window{in: h, out: o.Size, n: o.Size}
	switch {
	case o.Crop == Pad && w > h:
		y.out = o.padded(h, w)
		y.n = y.out
	case o.Crop == Pad:
		x.out = o.padded(w, h)
		x.n = x.out
	case o.Crop == Center && w > h:
		x.out, y.out = o.Resize*w/h, o.Resize
	case o.Crop == Center:
		x.out, y.out = o.Resize, o.Resize*h/w
	}
	x.first, y.first = o.margin(x.out-x.n), o.margin(y.out-y.n)
	return x, y
}

// padded returns what the shorter side becomes where the longer one becomes Size,
// rounded half to even as by open_clip's ResizeKeepRatio, and at least 1.
func (o *Options) padded(short, long int) int {
	return max(1, int(math.RoundToEven(float64(short)/(float64(long)/float64(o.Size)))))
}

// margin returns how many of spare pixels the crop leaves out before the middle.
func (o *Options) margin(spare int) int {
	if o.Rounding == Floor {
		return spare / 2
	}
	return int(math.RoundToEven(float64(spare) / 2))
}

// place returns where n pixels begin in a side of Size pixels.
func (o *Options) place(n int) int { return (o.Size - n) / 2 }

// paint makes the whole tensor the colour of the padding.
func (t *Transform) paint(dst []float32) {
	area := t.o.Size * t.o.Size
	for c := range 3 {
		plane, v := dst[c*area:][:area], t.table[c][t.o.Fill]
		for i := range plane {
			plane[i] = v
		}
	}
}

// normalizeBytes writes a row of R, G, B bytes to the tensor, from the element at on
// in each channel.
func (t *Transform) normalizeBytes(dst []float32, at int, line []byte) {
	n, area := len(line)/3, t.o.Size*t.o.Size
	r := dst[at:][:n]
	g := dst[area+at:][:n]
	b := dst[2*area+at:][:n]
	for i := range n {
		pixel := line[3*i:][:3]
		r[i], g[i], b[i] = t.table[0][pixel[0]], t.table[1][pixel[1]], t.table[2][pixel[2]]
	}
}

// normalizeFloat writes a row of R, G, B values in 0…1 as normalizeBytes does.
func (t *Transform) normalizeFloat(dst []float32, at int, line []float32) {
	n, area := len(line)/3, t.o.Size*t.o.Size
	for c := range 3 {
		out := dst[c*area+at:][:n]
		for i := range out {
			out[i] = t.gain[c]*line[3*i+c] + t.offset[c]
		}
	}
}
