package scanner

import (
	"fmt"
	"math"
)

// Stimulus is a picture and what is in it.
type Stimulus struct {
	W, H int
	// Pix has the rows of the picture, RGB, three bytes a pixel.
	Pix     []byte
	Content Content
}

// Stimuli is a list of stimuli, made or read when they are needed. At is called
// from several goroutines at a time.
type Stimuli struct {
	Count int
	At    func(i int) (*Stimulus, error)
}

// Content is what the higher areas answer to. A photograph without a
// description has an empty Content: voxels of higher areas then answer only to
// what they see of its pixels. See the package's documentation.
type Content struct {
	// Setting says where and when: "beach", "outdoors", "night". Any words will
	// do; each subject answers in its own way to each.
	Setting   []string
	Things    []Thing
	Relations []Relation
}

// Relation says how one thing is to another: a zebra "behind" a tree.
type Relation struct{ Subject, Word, Object string }

// Thing is one thing in a picture.
type Thing struct {
	Kind     string // such as "zebra"
	Category string // such as "animal"
	Animate  bool   // an animal or a person
	// Looks are words for colours, patterns, poses and the like. Any words will do, as
	// for settings.
	Looks []string
	// X and Y are the middle of the thing, Width and Height its size, all as
	// shares of the picture from its upper left corner.
	X, Y, Width, Height float64
}

func (s *Stimulus) check() error {
	if s.W < 1 || s.H < 1 || s.W > 1<<15 || s.H > 1<<15 || len(s.Pix) != 3*s.W*s.H {
		return fmt.Errorf("wanted a picture of 3·W·H bytes, found %d×%d with %d bytes", s.W, s.H, len(s.Pix))
	}
	for i, t := range s.Content.Things {
		if sum := t.X + t.Y + t.Width + t.Height; math.IsNaN(sum) || math.IsInf(sum, 0) || t.Width < 0 || t.Height < 0 {
			return fmt.Errorf("thing %d, %q, lies at (%g, %g) and is %g×%g large: wanted finite numbers and a size",
				i, t.Kind, t.X, t.Y, t.Width, t.Height)
		}
	}
	return nil
}

// The picture is 8.4° wide, as in NSD, and seen in full: the centre square of
// pictures that are not square.
const (
	degrees = 8.4
	side    = 128 // of the finest plane, in pixels
)

// planes is what the eye passes on: luminance and two opponent axes.
type planes struct {
	light      []float32 // [side, side], 0 is mid grey
	redGreen   []float32 // [side, side]
	blueYellow []float32 // [side, side]
	row        []float32 // scratch of resize
}

// see fills p with the centre square of the picture, averaged over the area of
// each pixel of the planes. The opponent axes are Hering's: R−G and
// B−(R+G)/2; luminance is as in ITU-R BT.601. All are computed on the coded
// values, which follow the eye's response to light more closely than light.
func (p *planes) see(s *Stimulus) {
	n := min(s.W, s.H)
	left, top := (s.W-n)/2, (s.H-n)/2
	if len(p.row) < 3*n {
		p.row = make([]float32, 3*n)
	}
	if p.light == nil {
		p.light, p.redGreen, p.blueYellow = make([]float32, side*side), make([]float32, side*side), make([]float32, side*side)
	}
	for y := range side {
		row := p.row[:3*n]
		clear(row)
		eachShare(y, n, func(from int, share float32) {
			source := s.Pix[3*((top+from)*s.W+left):]
			for i := range row {
				row[i] += share * float32(source[i])
			}
		})
		for x := range side {
			var r, g, b float32
			eachShare(x, n, func(from int, share float32) {
				r += share * row[3*from]
				g += share * row[3*from+1]
				b += share * row[3*from+2]
			})
			r, g, b = r/255, g/255, b/255
			p.light[y*side+x] = 0.299*r + 0.587*g + 0.114*b - 0.5
			p.redGreen[y*side+x] = r - g
			p.blueYellow[y*side+x] = b - (r+g)/2
		}
	}
}

// eachShare calls do with the samples, of n, that the sample i of side covers,
// and their shares, which add up to 1.
func eachShare(i, n int, do func(from int, share float32)) {
	scale := float32(n) / side
	begin, end := i*n, (i+1)*n // in units of 1/side of a sample
	for from := begin / side; from*side < end; from++ {
		covered := min(end, (from+1)*side) - max(begin, from*side)
		do(from, float32(covered)/side/scale)
	}
}
