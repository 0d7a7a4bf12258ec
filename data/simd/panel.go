package simd

import "fmt"

// Lanes is the number of queries in a Panel.
const Lanes = 32

// Panel is the codes of up to Lanes queries, laid out so that one instruction
// multiplies a few elements of a row with all of them.
type Panel struct {
	n      int
	count  int    // queries
	rows   []int8 // [Lanes, n]
	groups []int8 // [ceil(n/4), Lanes, 4], with zeros past n
	bias   [Lanes]int32
}

// Bounds are what a score must reach and how it is bounded, for each query of a
// Panel: the score of a row with inner product d of the codes, scale s and residual r
// is at most d·(Scale·s) + Slope·r + Offset (see column.Query). Limit is +Inf in a
// lane without a query.
type Bounds struct {
	Scale, Slope, Offset, Limit [Lanes]float32
}

// Set makes p the panel of the queries, at most Lanes vectors of one length, with
// elements in [-127, 127]. It allocates only where p has no room.
func (p *Panel) Set(queries [][]int8) {
	if len(queries) > Lanes {
		panic(fmt.Sprintf("simd: %d queries, at most %d", len(queries), Lanes))
	}
	p.n, p.count = 0, len(queries)
	if len(queries) > 0 {
		p.n = len(queries[0])
	}
	if p.n > MaxDim {
		panic(fmt.Sprintf("simd: %d elements, at most %d", p.n, MaxDim))
	}
	p.rows = zeros(p.rows, Lanes*p.n)
	p.groups = zeros(p.groups, (p.n+3)/4*4*Lanes)
	p.bias = [Lanes]int32{}
	for lane, q := range queries {
		copy(p.rows[lane*p.n:][:p.n], q[:p.n])
		for i, x := range q {
			p.groups[(i/4*Lanes+lane)*4+i%4] = x
			p.bias[lane] -= 128 * int32(x)
		}
	}
}

func zeros(s []int8, n int) []int8 {
	if cap(s) < n {
		return make([]int8, n)
	}
	clear(s[:n])
	return s[:n]
}

// DotPanel sets out[i*Lanes+lane] to the inner product of a query of the panel
// and row i of rows, which starts at rows[i*stride]; count is the number of rows. A
// lane without a query gets any number. The elements of rows are in [-127, 127]. Up to three elements past a row may be read,
// within rows. It panics where rows is too short.
func (k *Kernels) DotPanel(out []int32, p *Panel, rows []int8, stride, count int) {
	out = out[:count*Lanes]
	if count == 0 {
		return
	}
	if p.n == 0 {
		clear(out)
		return
	}
	if checkRows(count, (p.n+3)/4*4, len(rows), stride); k.dotPanel != nil {
		k.dotPanel(out, p, rows, stride, count)
		return
	}
	k.panelByQuery(out, p, rows, stride, count)
}

// panelByQuery multiplies one query after the other with the rows.
func (k *Kernels) panelByQuery(out []int32, p *Panel, rows []int8, stride, count int) {
	var dots [64]int32
	for lo := 0; lo < count; lo += len(dots) {
		some := dots[:min(len(dots), count-lo)]
		for lane := range p.count {
			k.dotRowsInt8(&some[0], &p.rows[lane*p.n], &rows[lo*stride], p.n, stride, len(some))
			for i, dot := range some {
				out[(lo+i)*Lanes+lane] = dot
			}
		}
	}
}

// Reach sets bit lane of mask[i] where the bound of row i's score for that query
// reaches the limit. dots are the results of DotPanel; scales and residuals have an
// element for each row, as mask has. Rounding may change a bound in its last bits.
func (k *Kernels) Reach(mask []uint32, dots []int32, scales, residuals []float32, b *Bounds) {
	count := len(mask)
	if count == 0 {
		return
	}
	dots, scales, residuals = dots[:count*Lanes], scales[:count], residuals[:count]
	if k.reach != nil {
		k.reach(&mask[0], &dots[0], &scales[0], &residuals[0], b, count)
		return
	}
	for i := range mask {
		scale, residual := scales[i], residuals[i]
		some := (*[Lanes]int32)(dots[i*Lanes:])
		set := uint32(0)
		for lane, dot := range some {
			if float32(dot)*(b.Scale[lane]*scale)+b.Slope[lane]*residual+b.Offset[lane] >= b.Limit[lane] {
				set |= 1 << lane
			}
		}
		mask[i] = set
	}
}
