package scenes

// dice is a source of random numbers that are the same everywhere: SplitMix64
// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014).
type dice struct{ state uint64 }

// newDice returns the dice of a stream that the numbers name.
func newDice(numbers ...uint64) *dice {
	d := &dice{0x9E3779B97F4A7C15}
	for _, n := range numbers {
		d.state = d.next() ^ n
	}
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9E3779B97F4A7C15
	z := d.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below returns a number from 0 to n-1. For the small n in use here, no number
// is preferred noticeably.
func (d *dice) below(n int) int { return int(d.next() >> 32 * uint64(n) >> 32) }

// percent is true that often.
func (d *dice) percent(p int) bool { return d.below(100) < p }

// between returns a number from a to b.
func (d *dice) between(a, b float64) float64 {
	return plus(a, float64(b)-float64(a), float64(d.next()>>11)/(1<<53))
}

// of returns one of the choices.
func of[T any](d *dice, choices []T) T { return choices[d.below(len(choices))] }
