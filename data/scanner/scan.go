package scanner

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas/blas32"
)

// Scan yields every trial and what is measured in it, in per cent signal
// change: the row of responses of the trial's image, as Responses gives them, times
// the session's gain, and noise. The seed decides the noise: the same seed, session and place give
// the same noise. The slice is overwritten by the next one. Trials of a session
// follow each other; a trial whose image has no row is an error.
func (s *Subject) Scan(responses blas32.General, trials []Trial, seed uint64) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		c := s.newScan(responses, trials, seed)
		for from := 0; from < len(trials); from += len(c.rows) {
			n, err := c.prepare(from)
			c.measure(from, n)
			for _, row := range c.rows[:n] {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, fmt.Errorf("scanner: trial %d: %w", from+n, err))
				return
			}
		}
	}
}

// scan is a scan under way, some trials at a time.
type scan struct {
	*Subject
	responses blas32.General
	trials    []Trial
	seed      uint64
	lengths   map[int]int // trials of each session
	current   session     // of the last trial that was prepared
	sessions  []session   // of each row
	rows      [][]float32 // what was measured in the trials
	work      []*mixing   // lanes rows each
}

// session is what differs between sessions.
type session struct {
	slowly drift
	gains  []float64 // by area
}

// newScan returns a scan that has work for all processors at a time.
func (s *Subject) newScan(responses blas32.General, trials []Trial, seed uint64) *scan {
	c := &scan{Subject: s, responses: responses, trials: trials, seed: seed, lengths: sessionLengths(trials)}
	for range min(2*runtime.GOMAXPROCS(0), (len(trials)+lanes-1)/lanes) {
		c.work = append(c.work, s.noise.newMixing())
		for range lanes {
			c.rows, c.sessions = append(c.rows, make([]float32, len(s.voxels))), append(c.sessions, session{})
		}
	}
	return c
}

// prepare checks the next trials and finds their sessions. It returns how many can be
// measured, and what is wrong with the one after them.
func (c *scan) prepare(from int) (n int, err error) {
	for i := from; i < min(from+len(c.rows), len(c.trials)); i++ {
		t := c.trials[i]
		if err := c.checkTrial(c.responses, t); err != nil {
			return n, err
		}
		if i == 0 || t.Session != c.trials[i-1].Session {
			c.current = session{
				c.noise.newDrift(newDice("session", c.options.Seed, c.seed, uint64(t.Session))),
				sessionGains(newDice("gain", c.options.Seed, c.seed, uint64(t.Session))),
			}
		}
		c.sessions[n] = c.current
		n++
	}
	return n, nil
}

// measure fills the first n rows with what is measured in the trials.
func (c *scan) measure(from, n int) {
	var group sync.WaitGroup
	for i, work := range c.work[:(n+lanes-1)/lanes] {
		group.Go(func() { c.measureFew(work, from, i*lanes, min(n, (i+1)*lanes)) })
	}
	group.Wait()
}

// measureFew fills the rows from first to before last, at most lanes of them.
func (c *scan) measureFew(work *mixing, from, first, last int) {
	for row := first; row < last; row++ {
		t := c.trials[from+row]
		dice := newDice("trial", c.options.Seed, c.seed, uint64(t.Session), uint64(t.Place))
		work.draw(row-first, c.sessions[row].slowly, (float64(t.Place)+0.5)/float64(c.lengths[t.Session]), dice)
	}
	c.noise.mix(work)
	for row := first; row < last; row++ {
		response := c.responses.Data[c.trials[from+row].Image*c.responses.Stride:][:c.responses.Cols]
		out, drawn, gains := c.rows[row], work.noise[row-first], c.sessions[row].gains
		for v := range out {
			out[v] = float32(gains[c.voxels[v].Area]*float64(response[v]) + c.voxels[v].noise*drawn[v])
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
