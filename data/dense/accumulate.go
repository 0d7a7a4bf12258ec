package dense

import "context"

// bandRows is how many rows of a sum in float64 are computed at once in float32.
const bandRows = 1024

// Accumulate adds A·B to C in float64. Factors in float32 are multiplied and
// summed in float32 over all of A's columns, so the caller bounds the rounding
// error by adding a few thousand columns at a time. Only the elements of part are
// written.
func Accumulate[T Float](ctx context.Context, c Matrix[float64], a, b Matrix[T], part Triangle) error {
	if p, ok := any(Product[T]{A: a, B: b, Sign: 1, Part: part}).(Product[float64]); ok {
		p.C = c
		return p.Add(ctx)
	}
	w := workspaces[T]().Get().(*workspace[T])
	defer workspaces[T]().Put(w)
	sum := resized(&w.sum, min(bandRows, c.Rows)*c.Cols)
	for i := 0; i < c.Rows; i += bandRows {
		k, j, l := min(i+bandRows, c.Rows), 0, c.Cols
		switch part {
		case Upper:
			j = i
		case Lower:
			l = k
		}
		band := Matrix[T]{Rows: k - i, Cols: l - j, RowStep: l - j, ColStep: 1, Data: sum}
		clear(sum)
		p := Product[T]{C: band, A: a.Slice(i, k, 0, a.Cols), B: b.Slice(0, b.Rows, j, l), Sign: 1}
		if err := p.Add(ctx); err != nil {
			return err
		}
		if err := parallel(ctx, k-i, func(r int) {
			first, end := part.columns(i+r, j, l)
			to := c.Row(i + r)
			for q := first; q < end; q++ {
				to[q] += float64(sum[r*band.RowStep+q-j])
			}
		}); err != nil {
			return err
		}
	}
	return nil
}
