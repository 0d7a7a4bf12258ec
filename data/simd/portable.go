package simd

import (
	"math"
	"unsafe"
)

// portable is the reference that every other implementation is tested against.
var portable = Kernels{
	Name: "portable", dotRows: dotRowsPortable, dotRowsInt8: dotRowsInt8Portable,
	squares: squaresPortable, scale: scalePortable, largest: largestPortable, code: codePortable, addRows: addRowsPortable,
}

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

// squaresPortable may add a product before it is rounded or after it, for it is
// exact. Sums in variables are faster than in an array.
func squaresPortable(first *float32, n int) float64 {
	v := unsafe.Slice(first, n)
	var a, b, c, d, e, f, g, h float64
	for ; len(v) >= 8; v = v[8:] {
		a += float64(v[0]) * float64(v[0])
		b += float64(v[1]) * float64(v[1])
		c += float64(v[2]) * float64(v[2])
		d += float64(v[3]) * float64(v[3])
		e += float64(v[4]) * float64(v[4])
		f += float64(v[5]) * float64(v[5])
		g += float64(v[6]) * float64(v[6])
		h += float64(v[7]) * float64(v[7])
	}
	s := lanes{a, b, c, d, e, f, g, h}
	sum := s.sum()
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return sum
}

// lanes are sums of every eighth number. What is left of a vector whose length
// is no multiple of eight is added to their sum, one by one.
type lanes [8]float64

func (s *lanes) sum() float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func scalePortable(dst, v *float32, n int, factor float64) {
	scaled := unsafe.Slice(dst, n)
	for i, x := range unsafe.Slice(v, n) {
		scaled[i] = float32(float64(x) * factor)
	}
}

func addRowsPortable(dst, factors *float32, rows *int32, table *float32, n, count int) {
	sum, factor := unsafe.Slice(dst, n), unsafe.Slice(factors, count)
	for i, row := range unsafe.Slice(rows, count) {
		from := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(table), int(row)*n*4)), n)
		for j, x := range from {
			sum[j] += float32(factor[i] * x) // not fused, on any processor
		}
	}
}

func largestPortable(v *float32, n int) float32 {
	const sign = 1 << 31
	var most uint32 // without their signs, floats are ordered as their bits are
	for _, x := range unsafe.Slice(v, n) {
		most = max(most, math.Float32bits(x)&^sign)
	}
	return math.Float32frombits(most)
}

func codePortable(first *int8, firstOf *float32, n int, inv, scale float64) float64 {
	code, v := unsafe.Slice(first, n), unsafe.Slice(firstOf, n)
	var s lanes
	for ; len(v) >= len(s); code, v = code[len(s):], v[len(s):] {
		eight := (*[len(s)]int8)(code)
		for i, x := range (*[len(s)]float32)(v) {
			c, left := codeOf(x, inv, scale)
			eight[i] = c
			s[i] += left
		}
	}
	sum := s.sum()
	for i, x := range v {
		c, left := codeOf(x, inv, scale)
		code[i] = c
		sum += left
	}
	return sum
}

// codeOf returns the code of x and the square of what it leaves.
func codeOf(x float32, inv, scale float64) (code int8, left float64) {
	// Next to 1.5·2^52 a float64 has no room for a fraction: adding it rounds, to
	// even as math.RoundToEven does.
	const whole = 3 << 51
	n := int32(float64(float64(x)*inv) + whole - whole)
	n = max(-127, min(127, n))
	r := float64(x) - float64(scale*float64(n))
	return int8(n), float64(r * r)
}
