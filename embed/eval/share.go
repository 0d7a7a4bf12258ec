package eval

import (
	"fmt"
	"math"
)

// Share is a share of hits, 0 to 1, with its 95 % confidence interval.
type Share struct {
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Wilson returns the share of n trials that were hits, with the interval of
// Wilson's score (Wilson 1927, J Am Stat Assoc 22:209), which stays within 0 to
// 1: how well the share is known from so many trials. The interval of Protocol
// answers another question: how much the galleries differ that are drawn from
// the same trials. n is 1 or more.
func Wilson(share float64, n int) Share {
	const z = 1.96
	size := float64(n)
	middle := (share + z*z/(2*size)) / (1 + z*z/size)
	half := z / (1 + z*z/size) * math.Sqrt(share*(1-share)/size+z*z/(4*size*size))
	return Share{Share: share, Low: max(0, middle-half), High: min(1, middle+half)}
}

// String writes the share and its interval in per cent.
func (s Share) String() string {
	dash := "–"
	if s.Low < 0 { // of a difference
		dash = " to "
	}
	return fmt.Sprintf("%5.1f %% (%.1f%s%.1f)", 100*s.Share, 100*s.Low, dash, 100*s.High)
}
