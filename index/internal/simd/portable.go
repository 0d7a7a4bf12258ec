package simd

import "unsafe"

// portable is the reference that every other implementation is tested against.
var portable = Kernels{Name: "portable", dotRows: dotRowsPortable, dotRowsInt8: dotRowsInt8Portable}

func dotRowsPortable(out, q, rows *float32, n, stride, count int) {
	results, query := unsafe.Slice(out, count), unsafe.Slice(q, n)
	block := unsafe.Slice(rows, (count-1)*stride+n)
	for i := range results {
		results[i] = dot(query, block[i*stride:][:n])
	}
}

// dot adds in four lanes, which a processor can run side by side.
func dot(q, row []float32) float32 {
	var a, b, c, d float32
	row = row[:len(q)]
	i := 0
	for ; i+4 <= len(q); i += 4 {
		a += q[i] * row[i]
		b += q[i+1] * row[i+1]
		c += q[i+2] * row[i+2]
		d += q[i+3] * row[i+3]
	}
	for ; i < len(q); i++ {
		a += q[i] * row[i]
	}
	return (a + b) + (c + d)
}

func dotRowsInt8Portable(out *int32, q, rows *int8, n, stride, count int) {
	results, query := unsafe.Slice(out, count), unsafe.Slice(q, n)
	block := unsafe.Slice(rows, (count-1)*stride+n)
	for i := range results {
		var sum int32
		row := block[i*stride:][:len(query)]
		for j, x := range query {
			sum += int32(x) * int32(row[j])
		}
		results[i] = sum
	}
}
