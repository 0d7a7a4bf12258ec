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
	Center  Crop = "center" // the shorter side is resized to Size, of the longer the middle is kept
	Squeeze Crop = "none"   // both sides are resized to Size
)

// Options describe a Transform. There are no defaults: an embedding depends on
// every one of them.
type Options struct {
	Size      int // pixels per side of the result
	Filter    Filter
	Antialias bool // true: as Pillow's resize; false: as PyTorch's interpolate
	Crop      Crop

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
	case o.Filter != Bicubic && o.Filter != Bilinear:
		return nil, fmt.Errorf("pixels: filter is %q, wanted %s or %s", o.Filter, Bicubic, Bilinear)
	case o.Crop != Center && o.Crop != Squeeze:
		return nil, fmt.Errorf("pixels: crop is %q, wanted %s or %s", o.Crop, Center, Squeeze)
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
	s, _ := t.scratch.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	defer t.scratch.Put(s)
	if !t.o.Antialias {
		r := resizer[float32, float32]{
			img: img, x: t.o.Filter.interpolated(x), y: t.o.Filter.interpolated(y), across: acrossFloat, down: downFloat,
		}
		r.rowsFirst(&s.floats, func(row int, line []float32) { t.normalizeFloat(dst, row, line) })
		return nil
	}
	r := resizer[byte, int32]{
		img: img, x: t.o.Filter.antialiased(x), y: t.o.Filter.antialiased(y), across: acrossFixed, down: simd.Best().Down,
	}
	emit := func(row int, line []byte) { t.normalizeBytes(dst, row, line) }
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
// the part of it that is the result, with the rounding of torchvision: Resize cuts
// the longer side off to an integer (_compute_resized_image_output_size), CenterCrop
// rounds half to even (center_crop, by Python's round).
func (o *Options) windows(w, h int) (x, y window) {
	x, y = window{in: w, out: o.Size, n: o.Size}, window{in: h, out: o.Size, n: o.Size}
	if o.Crop == Squeeze {
		return x, y
	}
	long, short := &x, h
	if h > w {
		long, short = &y, w
	}
	long.out = o.Size * long.in / short
	long.first = int(math.RoundToEven(float64(long.out-o.Size) / 2))
	return x, y
}

// normalizeBytes writes one row of the tensor from R, G, B bytes.
func (t *Transform) normalizeBytes(dst []float32, row int, line []byte) {
	size := t.o.Size
	r := dst[row*size:][:size]
	g := dst[(size+row)*size:][:size]
	b := dst[(2*size+row)*size:][:size]
	for i := range size {
		pixel := line[3*i:][:3]
		r[i], g[i], b[i] = t.table[0][pixel[0]], t.table[1][pixel[1]], t.table[2][pixel[2]]
	}
}

// normalizeFloat writes one row of the tensor from R, G, B values in 0…1.
func (t *Transform) normalizeFloat(dst []float32, row int, line []float32) {
	size := t.o.Size
	for c := range 3 {
		out := dst[(c*size+row)*size:][:size]
		for i := range out {
			out[i] = t.gain[c]*line[3*i+c] + t.offset[c]
		}
	}
}
