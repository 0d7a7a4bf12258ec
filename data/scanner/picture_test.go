package scanner

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// deadLeaves are pictures of overlapping discs of all sizes, which have the
// statistics of natural images (Lee, Mumford and Huang 2001, Int J Comput Vis
// 41:35). The nearest discs are things by name.
func deadLeaves(count int, seed uint64) Stimuli {
	categories := []string{"person", "animal", "vehicle", "building", "food", "household"}
	settings := []string{"beach", "street", "forest", "kitchen", "sea", "night", "snow"}
	return Stimuli{Count: count, At: func(i int) (*Stimulus, error) {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		const n = 64
		s := &Stimulus{W: n, H: n, Pix: make([]byte, 3*n*n)}
		s.Content.Setting = []string{settings[dice.IntN(len(settings))]}
		things := 1 + dice.IntN(5)
		const leaves = 120
		for leaf := range leaves {
			r := 2 * math.Pow(dice.Float64()+0.004, -0.5)
			x, y := n*dice.Float64(), n*dice.Float64()
			if leaf >= leaves-things {
				r = 4 + 12*dice.Float64()
				category := categories[dice.IntN(len(categories))]
				s.Content.Things = append(s.Content.Things, Thing{
					Kind: fmt.Sprint(category, dice.IntN(6)), Category: category,
					Animate: category == "person" || category == "animal",
					X:       x / n, Y: y / n, Width: 2 * r / n, Height: 2 * r / n,
				})
			}
			colour := [3]byte{byte(dice.IntN(256)), byte(dice.IntN(256)), byte(dice.IntN(256))}
			disc(s, x, y, r, colour)
		}
		return s, nil
	}}
}

func disc(s *Stimulus, x, y, r float64, colour [3]byte) {
	for py := max(0, int(y-r)); py < min(s.H, int(y+r)+1); py++ {
		for px := max(0, int(x-r)); px < min(s.W, int(x+r)+1); px++ {
			if math.Hypot(float64(px)-x, float64(py)-y) <= r {
				copy(s.Pix[3*(py*s.W+px):], colour[:])
			}
		}
	}
}

// painted returns a picture of n×n whose pixels are what paint says, 0 to 1.
func painted(n int, paint func(x, y float64) [3]float64) *Stimulus {
	s := &Stimulus{W: n, H: n}
	for y := range n {
		for x := range n {
			for _, v := range paint((float64(x)+0.5)/float64(n), (float64(y)+0.5)/float64(n)) {
				s.Pix = append(s.Pix, byte(math.Round(255*max(0, min(v, 1)))))
			}
		}
	}
	return s
}

// grating returns a patch of a grating on grey: so many cycles per picture,
// luminance changing along the angle, seen through a Gaussian window around
// (x, y), all as shares of the picture.
func grating(cycles, angle, x, y, window float64) *Stimulus {
	return painted(256, func(px, py float64) [3]float64 {
		along := (px-x)*math.Cos(angle) + (py-y)*math.Sin(angle)
		v := 0.5 + 0.4*math.Cos(2*math.Pi*cycles*along)*gaussian(math.Hypot(px-x, py-y), window)
		return [3]float64{v, v, v}
	})
}

// list is the stimuli given.
func list(stimuli ...*Stimulus) Stimuli {
	return Stimuli{Count: len(stimuli), At: func(i int) (*Stimulus, error) { return stimuli[i], nil }}
}

// reference is what test subjects are standardised over.
var reference = sync.OnceValue(func() Stimuli {
	all := deadLeaves(200, 99)
	var drawn []*Stimulus
	for i := range all.Count {
		s, err := all.At(i)
		if err != nil {
			panic(err)
		}
		drawn = append(drawn, s)
	}
	return list(drawn...)
})

// usual is the subject of all defaults. A subject never changes.
var usual = sync.OnceValues(func() (*Subject, error) { return New(Options{}, reference()) })

func newTestSubject(t testing.TB, o Options) *Subject {
	t.Helper()
	s, err := usual()
	if o != (Options{}) {
		s, err = New(o, reference())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// responses returns the rows of the responses to the stimuli.
func responses(t testing.TB, s *Subject, stimuli Stimuli) [][]float32 {
	t.Helper()
	m, err := s.Responses(stimuli)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float32
	for i := range m.Rows {
		rows = append(rows, m.Data[i*m.Stride:][:m.Cols])
	}
	return rows
}
