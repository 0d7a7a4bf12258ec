package scanner

import "testing"

func BenchmarkResponses(b *testing.B) {
	s := newTestSubject(b, Options{})
	made, err := deadLeaves(1, 5).At(0)
	if err != nil {
		b.Fatal(err)
	}
	big := &Stimulus{W: 256, H: 256, Content: made.Content}
	for i := range 256 * 256 {
		at := 3 * (i/256/4*64 + i%256/4)
		big.Pix = append(big.Pix, made.Pix[at:at+3]...)
	}
	stimuli := Stimuli{Count: b.N, At: func(int) (*Stimulus, error) { return big, nil }}
	b.ResetTimer()
	if _, err := s.Responses(stimuli); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkScan(b *testing.B) {
	s := newTestSubject(b, Options{})
	seen, err := s.Responses(deadLeaves(4, 1))
	if err != nil {
		b.Fatal(err)
	}
	trials := make([]Trial, b.N)
	for i := range trials {
		trials[i] = Trial{Place: i, Image: i % 4}
	}
	b.ResetTimer()
	for _, err := range s.Scan(seen, trials, 1) {
		if err != nil {
			b.Fatal(err)
		}
	}
}
