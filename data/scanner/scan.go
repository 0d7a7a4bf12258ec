package scanner

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"
)

// Scan yields every trial and what is measured in it, in per cent signal
// change: the row of responses of the trial's image, as Responses gives them, times
// the session's gain, and noise. The seed decides the noise: the same seed, session and place give
// the same noise. The slice is overwritten by the next one. Trials of a session
// follow each other; a trial whose image has no row is an error.
func (s *Subject) Scan(responses blas32.General, trials []Trial, seed uint64) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		row := make([]float32, len(s.voxels))
		drawn := make([]float64, len(s.voxels))
		lengths := sessionLengths(trials)
		var slowly drift
		var gains []float64
		for i, t := range trials {
			if err := s.checkTrial(responses, t); err != nil {
				yield(nil, fmt.Errorf("scanner: trial %d: %w", i, err))
				return
			}
			if i == 0 || t.Session != trials[i-1].Session {
				slowly = s.noise.newDrift(newDice("session", s.options.Seed, seed, uint64(t.Session)))
				gains = sessionGains(newDice("gain", s.options.Seed, seed, uint64(t.Session)))
			}
			dice := newDice("trial", s.options.Seed, seed, uint64(t.Session), uint64(t.Place))
			s.noise.draw(drawn, slowly, (float64(t.Place)+0.5)/float64(lengths[t.Session]), dice)
			response := responses.Data[t.Image*responses.Stride:][:responses.Cols]
			for v := range row {
				row[v] = float32(gains[s.voxels[v].Area]*float64(response[v]) + s.voxels[v].noise*drawn[v])
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// gainSpread is the deviation of the logarithm of an area's gain in a session, half of
// whose variance all areas share. It is a choice.
const gainSpread = 0.1

// sessionGains returns what the responses of each area are multiplied by in a session.
func sessionGains(dice *rand.Rand) []float64 {
	gains := make([]float64, len(anatomy))
	shared := dice.NormFloat64()
	for a := range gains {
		gains[a] = math.Exp(gainSpread * math.Sqrt2 / 2 * (shared + dice.NormFloat64()))
	}
	return gains
}

// sessionLengths returns how many trials each session has.
func sessionLengths(trials []Trial) map[int]int {
	lengths := make(map[int]int)
	for _, t := range trials {
		lengths[t.Session] = max(lengths[t.Session], t.Place+1)
	}
	return lengths
}

func (s *Subject) checkTrial(responses blas32.General, t Trial) error {
	switch {
	case responses.Cols != len(s.voxels):
		return fmt.Errorf("wanted responses of %d voxels, found %d", len(s.voxels), responses.Cols)
	case t.Image < 0 || t.Image >= responses.Rows:
		return fmt.Errorf("it shows image %d, there are responses to %d", t.Image, responses.Rows)
	case t.Session < 0 || t.Place < 0:
		return fmt.Errorf("wanted a session and a place from 0, found %d and %d", t.Session, t.Place)
	}
	return nil
}
