package scanner

import "testing"

// Every area has a gain of its own in each session, around 1.
func TestSessionsHaveGains(t *testing.T) {
	t.Parallel()
	var sum, squares, n float64
	for session := range uint64(400) {
		for _, gain := range sessionGains(newDice("gain", session)) {
			sum += gain
			squares += (gain - 1) * (gain - 1)
			n++
		}
	}
	if mean, variance := sum/n, squares/n; mean < .98 || mean > 1.03 || variance < .007 || variance > .014 {
		t.Errorf("gains have the mean %.3f and the variance %.4f, want 1 and 0.01", mean, variance)
	}
}
