package dense

import (
	"context"
	"sync"
)

// Triangle says which elements of a product are wanted.
type Triangle int

// The parts of a square matrix.
const (
	Whole Triangle = iota
	Upper          // the diagonal and what is above it
	Lower          // the diagonal and what is below it
)

// Blocks of C have at most blockRows × blockCols elements, and are summed over
// blockDepth products at a time: so much of A fits into a second-level cache of
// 1 MB.
const (
	blockRows  = 480
	blockCols  = 768
	blockDepth = 256
)

// Product is C += Sign·A·B. C must have its rows in one piece. Only the elements
// of Part are written.
type Product[T Float] struct {
	C, A, B Matrix[T]
	Sign    T // 1 or another factor of A·B
	Part    Triangle
}

// Add computes the product.
func (p Product[T]) Add(ctx context.Context) error {
	var blocks [][2]int
	rows, cols := min(blockRows, spread(p.C.Rows)), min(blockCols, spread(p.C.Cols))
	for i := 0; i < p.C.Rows; i += rows {
		for j := 0; j < p.C.Cols; j += cols {
			if p.Part == Upper && j+cols <= i || p.Part == Lower && i+rows <= j {
				continue
			}
			blocks = append(blocks, [2]int{i, j})
		}
	}
	kernel := best[T]()
	return parallel(ctx, len(blocks), func(block int) {
		i, j := blocks[block][0], blocks[block][1]
		w := workspaces[T]().Get().(*workspace[T])
		defer workspaces[T]().Put(w)
		k, l := min(i+rows, p.C.Rows), min(j+cols, p.C.Cols)
		for d := 0; d < p.A.Cols; d += blockDepth {
			e := min(d+blockDepth, p.A.Cols)
			w.add(kernel, part[T]{p, p.A.Slice(i, k, d, e), p.B.Slice(d, e, j, l), i, j})
		}
	})
}

// spread returns a block's size that divides n elements evenly between two
// processors or more, in whole tiles.
func spread(n int) int { return (n/2/96 + 1) * 96 }

// part is the share of a product that one pass over a block adds: A is [rows,
// depth] and B [depth, cols], for C from (row, col).
type part[T Float] struct {
	p        Product[T]
	a, b     Matrix[T]
	row, col int
}

// workspace holds packed blocks of A and B, a tile of C at an edge, and what else
// is needed for as long as one product takes.
type workspace[T Float] struct{ a, b, tile, sum []T }

// resized returns n elements of a buffer, which grows where it is too short.
func resized[T Float](buffer *[]T, n int) []T {
	if cap(*buffer) < n {
		*buffer = make([]T, n)
	}
	return (*buffer)[:n]
}

var (
	workspaces32 = sync.Pool{New: func() any { return newWorkspace[float32]() }}
	workspaces64 = sync.Pool{New: func() any { return newWorkspace[float64]() }}
)

func workspaces[T Float]() *sync.Pool {
	if _, single := any(T(0)).(float32); single {
		return &workspaces32
	}
	return &workspaces64
}

func newWorkspace[T Float]() *workspace[T] {
	return &workspace[T]{
		a:    make([]T, (blockRows+maxTile)*blockDepth),
		b:    make([]T, (blockCols+maxTile)*blockDepth),
		tile: make([]T, maxTile*maxTile),
	}
}

// add adds one part: tiles of kernel.rows × kernel.cols elements each.
func (w *workspace[T]) add(kernel *kernel[T], s part[T]) {
	depth := s.a.Cols
	pack(w.a, s.a, kernel.rows, s.p.Sign)
	pack(w.b, s.b.T(), kernel.cols, 1)
	c := s.p.C
	for j := 0; j < s.b.Cols; j += kernel.cols {
		b := w.b[j*depth:]
		for i := 0; i < s.a.Rows; i += kernel.rows {
			a := w.a[i*depth:]
			row, col := s.row+i, s.col+j
			rows, cols := min(kernel.rows, s.a.Rows-i), min(kernel.cols, s.b.Cols-j)
			switch s.p.Part.cut(row, col, rows, cols) {
			case outside:
			case inside:
				if rows == kernel.rows && cols == kernel.cols {
					kernel.add(depth, &a[0], &b[0], &c.Data[row*c.RowStep+col], c.RowStep)
					continue
				}
				fallthrough
			default:
				clear(w.tile)
				kernel.add(depth, &a[0], &b[0], &w.tile[0], maxTile)
				for r := range rows {
					to := c.Data[(row+r)*c.RowStep:]
					from, end := s.p.Part.columns(row+r, col, col+cols)
					for q := from; q < end; q++ {
						to[q] += w.tile[r*maxTile+q-col]
					}
				}
			}
		}
	}
}

// How a tile lies to a triangle.
type position int

const (
	inside position = iota
	across
	outside
)

func (t Triangle) cut(row, col, rows, cols int) position {
	lastRow, lastCol := row+rows-1, col+cols-1
	switch {
	case t == Whole, t == Upper && col >= lastRow, t == Lower && row >= lastCol:
		return inside
	case t == Upper && lastCol < row, t == Lower && lastRow < col:
		return outside
	}
	return across
}

// columns returns the columns from ≤ j < to of a row that belong to the triangle.
func (t Triangle) columns(row, from, to int) (first, end int) {
	switch t {
	case Upper:
		return max(from, row), to
	case Lower:
		return from, min(to, row+1)
	}
	return from, to
}

// pack copies a matrix into panels of so many rows, each column by column, and
// multiplies it by sign. Rows that a last panel lacks are zeros.
func pack[T Float](dst []T, m Matrix[T], rows int, sign T) {
	for i := 0; i < m.Rows; i += rows {
		panel := dst[i*m.Cols:][:rows*m.Cols]
		n := min(rows, m.Rows-i)
		if n < rows {
			clear(panel)
		}
		if m.ColStep == 1 {
			packRows(panel, m.Slice(i, i+n, 0, m.Cols), rows, sign)
			continue
		}
		for k := range m.Cols {
			to := panel[k*rows:][:n]
			from := m.Data[i*m.RowStep+k*m.ColStep:]
			if m.RowStep == 1 {
				for r, x := range from[:n] {
					to[r] = sign * x
				}
				continue
			}
			for r := range to {
				to[r] = sign * from[r*m.RowStep]
			}
		}
	}
}

// packRows packs rows that lie in one piece, four at a time.
func packRows[T Float](panel []T, m Matrix[T], rows int, sign T) {
	r := 0
	for ; r+4 <= m.Rows; r += 4 {
		a, b := m.Row(r), m.Row(r + 1)[:m.Cols]
		c, d := m.Row(r + 2)[:m.Cols], m.Row(r + 3)[:m.Cols]
		for k, x := range a[:m.Cols] {
			to := panel[k*rows+r:][:4]
			to[0], to[1], to[2], to[3] = sign*x, sign*b[k], sign*c[k], sign*d[k]
		}
	}
	for ; r < m.Rows; r++ {
		for k, x := range m.Row(r) {
			panel[k*rows+r] = sign * x
		}
	}
}
