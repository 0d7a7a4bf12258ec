package glassbrain

import (
	"fmt"
	"math"
)

// View is one of the three views. Pixels are counted from the upper left corner, row by
// row; a corner of a pixel has whole coordinates.
type View struct {
	Name string // axial, coronal or sagittal
	From string // where the viewer is: above, behind or right
	// What is at the left, right, upper and lower edge: left, right, front, back, up or down.
	Left, Right, Top, Bottom string
	Width, Height            int        // pixels
	Pixel                    [2]float64 // width and height of a pixel in millimetres
	// Outlines has the closed outlines of each region's projection, as corners
	// x0, y0, x1, y1, … one pixel apart. Holes have outlines of their own.
	Outlines [][][]int
}

// plane says what a view shows: directions of the body, right, front and up, counted
// from 0.
type plane struct {
	name, from               string
	across, upward           int
	left, right, top, bottom string
}

var planes = [3]plane{
	{name: "axial", from: "above", across: 0, upward: 1, left: "left", right: "right", top: "front", bottom: "back"},
	{name: "coronal", from: "behind", across: 0, upward: 2, left: "left", right: "right", top: "up", bottom: "down"},
	{name: "sagittal", from: "right", across: 1, upward: 2, left: "back", right: "front", top: "up", bottom: "down"},
}

func (b *Brain) view(i int) View {
	p := planes[i]
	v := View{
		Name: p.name, From: p.from, Left: p.left, Right: p.right, Top: p.top, Bottom: p.bottom,
		Width: b.size[p.across], Height: b.size[p.upward], Pixel: [2]float64{b.edges[p.across], b.edges[p.upward]},
	}
	v.Outlines = make([][][]int, len(b.regions))
	for r, region := range b.regions {
		inside := make([]bool, v.Width*v.Height)
		for _, voxel := range region.Voxels {
			inside[b.pixel(p, voxel)] = true
		}
		v.Outlines[r] = outlines(inside, v.Width)
	}
	return v
}

// pixel returns the pixel of a voxel in a plane.
func (b *Brain) pixel(p plane, voxel int) int {
	at := b.places[voxel]
	return (b.size[p.upward]-1-at[p.upward])*b.size[p.across] + at[p.across]
}

// Project returns the maximum projections of a scan, [Voxels] finite numbers, a slice of
// Width·Height pixels for each view: of the voxels behind a pixel the value that is
// farthest from 0, with its sign. A pixel without voxels is NaN.
func (b *Brain) Project(values []float32) ([][]float32, error) {
	if len(values) != len(b.places) {
		return nil, fmt.Errorf("glass brain: a scan of %d voxels, the brain has %d", len(values), len(b.places))
	}
	all := make([][]float32, len(planes))
	for i, p := range planes {
		pixels := make([]float32, b.size[p.across]*b.size[p.upward])
		for at := range pixels {
			pixels[at] = float32(math.NaN())
		}
		for voxel, value := range values {
			at := b.pixel(p, voxel)
			if old := pixels[at]; old != old || math.Abs(float64(value)) > math.Abs(float64(old)) {
				pixels[at] = value
			}
		}
		all[i] = pixels
	}
	return all, nil
}
