package simd

// Bound is what a score must reach and how it is bounded, for one query: the score of
// a row with inner product d of the codes, scale s and residual r is at most
// d·(Scale·s) + Slope·r + Offset (see column.Query).
type Bound struct{ Scale, Slope, Offset, Limit float32 }

// ReachRows sets bit i mod 16 of mask[i/16] where the bound of row i's score
// reaches the limit, for each of len(dots) rows. Bits past the last row are not
// set. Rounding may change a bound in its last bits.
func (k *Kernels) ReachRows(mask []uint16, dots []int32, scales, residuals []float32, b *Bound) {
	count := len(dots)
	mask, scales, residuals = mask[:(count+15)/16], scales[:count], residuals[:count]
	whole := 0
	if k.reachRows != nil && count >= 16 {
		whole = count &^ 15
		k.reachRows(&mask[0], &dots[0], &scales[0], &residuals[0], b, whole)
	}
	clear(mask[whole/16:])
	for i := whole; i < count; i++ {
		if float32(dots[i])*(b.Scale*scales[i])+b.Slope*residuals[i]+b.Offset >= b.Limit {
			mask[i/16] |= 1 << (i % 16)
		}
	}
}
