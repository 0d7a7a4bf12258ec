//go:build amd64 && !noasm

package twostage

import "golang.org/x/sys/cpu"

// sumsFast adds the sums of as many of the first elements as fill whole registers, and
// returns their number.
func sumsFast(s *sums, q, m []float32, codes []byte) int {
	blocks := len(codes) / 16
	if blocks == 0 || !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return 0
	}
	var out [4]float32
	sumsAVX2(&out, &q[0], &m[0], &codes[0], blocks)
	s.query += float64(out[0])
	s.mean += float64(out[1])
	s.all += float64(out[2])
	s.squares += float64(out[3])
	return 16 * blocks
}

// sumsAVX2 handles blocks of 16 elements, at least one.
//
//go:noescape
func sumsAVX2(out *[4]float32, q, m *float32, codes *byte, blocks int)
