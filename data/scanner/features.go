package scanner

import (
	"math"

	"engram/data/simd"
)

// The features of a cell: the energy of every Gabor filter, then these.
const (
	meanLight = scales*orientations + iota
	contrast  // deviation of the luminance within the cell
	red       // the opponent axes, each half-wave rectified
	green
	blue
	yellow
	features // how many there are
)

const (
	// cell is the side of a cell in pixels of the finest plane.
	cell = side / grid
	// Behind the cells come the coarse ones, each the mean of 2×2 cells.
	fineCells   = grid * grid
	coarseCells = fineCells / 4
)

// retina turns pictures into features. It is not safe for concurrent use.
type retina struct {
	bank  *bank
	work  filtering
	seen  planes
	cells []float32 // [fineCells + coarseCells, features]
}

func newRetina() *retina {
	return &retina{bank: newBank(), cells: make([]float32, (fineCells+coarseCells)*features)}
}

// look returns the features of the picture, [fineCells + coarseCells, features],
// valid until the next call.
func (r *retina) look(s *Stimulus) []float32 {
	r.seen.see(s)
	clear(r.cells)
	r.bank.run(&r.work, r.seen.light, r.cells, features)
	for y := range grid {
		for x := range grid {
			r.summarise(x, y)
			fine := r.cells[(y*grid+x)*features:][:features]
			coarse := r.cells[(fineCells+y/2*grid/2+x/2)*features:][:features]
			addScaled(coarse, 0.25, fine)
		}
	}
	return r.cells
}

// summarise fills in the features of a cell that are no energies.
func (r *retina) summarise(x, y int) {
	var sum, squares, redGreen, blueYellow float32
	for dy := range cell {
		at := (y*cell+dy)*side + x*cell
		for i := at; i < at+cell; i++ {
			light := r.seen.light[i]
			sum += light
			squares += light * light
			redGreen += r.seen.redGreen[i]
			blueYellow += r.seen.blueYellow[i]
		}
	}
	const n = cell * cell
	out := r.cells[(y*grid+x)*features:][:features]
	out[meanLight] = sum / n
	out[contrast] = float32(math.Sqrt(float64(max(0, squares/n-sum/n*sum/n))))
	out[red], out[green] = max(0, redGreen/n), max(0, -redGreen/n)
	out[blue], out[yellow] = max(0, blueYellow/n), max(0, -blueYellow/n)
}

// Field is the part of the visual field that a voxel answers to: a Gaussian.
type Field struct {
	X, Y float64 // of its middle, in degrees right of and below the centre of the gaze
	Size float64 // its deviation in degrees
}

// pool is a field over the grid of cells.
type pool struct {
	cells   []int32
	weights []float32
}

// newPool returns the shares of the field in the cells within 3 deviations:
// coarse cells where the deviation is larger than one of them. A field that
// reaches beyond the picture has shares that add up to less than 1.
func newPool(f Field) pool {
	var p pool
	first, n := 0, grid
	if f.Size > 2*degrees/grid {
		first, n = fineCells, grid/2
	}
	step := degrees / float64(n)
	for i := range n * n {
		dx := (float64(i%n)+0.5)*step - degrees/2 - f.X
		dy := (float64(i/n)+0.5)*step - degrees/2 - f.Y
		d := math.Hypot(dx, dy)
		if d > 3*f.Size {
			continue
		}
		weight := step * step / (2 * math.Pi * f.Size * f.Size) * gaussian(d, f.Size)
		p.cells = append(p.cells, int32(first+i))
		p.weights = append(p.weights, float32(weight))
	}
	return p
}

// over sets seen to the features as the field sees them.
func (p *pool) over(seen *[features]float32, cells []float32) {
	clear(seen[:])
	simd.Best().AddRows(seen[:], p.weights, p.cells, cells)
}
