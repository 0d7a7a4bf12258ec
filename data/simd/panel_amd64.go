//go:build amd64 && !noasm

package simd

// dotPanelVNNI multiplies 12 rows at a time with the panel, which stays in the
// first-level cache. As in dotRowsInt8VNNI the elements of a row go in as x+128;
// the sums begin at the panel's bias.
func dotPanelVNNI(out []int32, p *Panel, rows []int8, stride, count int) {
	groups, i := (p.n+3)/4, 0
	for ; i+12 <= count; i += 12 {
		dotPanelVNNI12(&out[i*Lanes], &p.bias[0], &p.groups[0], &rows[i*stride], groups, stride)
	}
	for ; i < count; i++ {
		dotPanelVNNI1(&out[i*Lanes], &p.bias[0], &p.groups[0], &rows[i*stride], groups)
	}
}

// dotPanelAVX2 multiplies 8 rows at a time with 8 queries.
func dotPanelAVX2(out []int32, p *Panel, rows []int8, stride, count int) {
	const tall, wide = 8, 8
	groups, i := (p.n+3)/4, 0
	for ; i+tall <= count; i += tall {
		for lane := 0; lane < p.count; lane += wide {
			dotPanelAVX2x8(&out[i*Lanes+lane], &p.groups[4*lane], &rows[i*stride], groups, stride)
		}
	}
	for ; i < count; i++ {
		row := rows[i*stride:]
		for lane := range p.count {
			dotRowsInt8AVX2(&out[i*Lanes+lane], &p.rows[lane*p.n], &row[0], p.n, stride, 1)
		}
	}
}

//go:noescape
func dotPanelVNNI12(out, bias *int32, codes, rows *int8, groups, stride int)

//go:noescape
func dotPanelVNNI1(out, bias *int32, codes, row *int8, groups int)

//go:noescape
func dotPanelAVX2x8(out *int32, codes, rows *int8, groups, stride int)

//go:noescape
func reachAVX512(mask *uint32, dots *int32, scales, residuals *float32, b *Bounds, count int)

//go:noescape
func reachRowsAVX512(mask *uint16, dots *int32, scales, residuals *float32, b *Bound, count int)
