package scanner

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// The golden features are made by scripts/golden_scanner.py in double precision
// with two-dimensional filters.
func TestFeaturesAgreeWithSciPy(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		W, H     int
		Pix      []byte
		Features []byte
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, fineCells*features)
	if _, err := binary.Decode(golden.Features, binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	eye := newRetina()
	picture := &Stimulus{W: golden.W, H: golden.H, Pix: golden.Pix}
	for range 2 { // what the first look leaves must not show in the second
		got := eye.look(picture)
		for i, w := range want {
			if math.Abs(float64(got[i]-w)) > 1e-6+1e-4*math.Abs(float64(w)) {
				t.Fatalf("feature %d of cell %d is %g, want %g", i%features, i/features, got[i], w)
			}
		}
	}
}

// Of all filters, the one of a grating's frequency and orientation answers most,
// with the square of its amplitude.
func TestFiltersPreferTheirGrating(t *testing.T) {
	t.Parallel()
	eye := newRetina()
	for s := range scales {
		for o := range orientations {
			cycles := side / wave / float64(int(1)<<s)
			theta := math.Pi * float64(o) / orientations
			cells := eye.look(grating(cycles, theta, 0.5, 0.5, 10))
			middle := cells[(grid/2*grid+grid/2)*features:][:scales*orientations]
			best := 0
			for i, e := range middle {
				if e > middle[best] {
					best = i
				}
			}
			if best != s*orientations+o {
				t.Errorf("filter %d answers most to a grating of scale %d and orientation %d", best, s, o)
			}
			// The grating's amplitude is 0.4; the way to the coarser levels of the
			// pyramid takes a little of it.
			if e := middle[best]; e < 0.10 || e > 0.165 {
				t.Errorf("scale %d, orientation %d: energy is %g, want nearly 0.16", s, o, e)
			}
		}
	}
}

func TestPoolsAddUpToOne(t *testing.T) {
	t.Parallel()
	for _, f := range []Field{{0, 0, 0.6}, {1, -1, 0.9}, {-0.5, 0.5, 1.1}} {
		var sum, x float64
		p := newPool(f)
		for i, w := range p.weights {
			sum += float64(w)
			at := float64(p.cells[i]%grid) + 0.5
			if p.cells[i] >= fineCells {
				at = 2 * (float64((p.cells[i]-fineCells)%(grid/2)) + 0.5)
			}
			x += float64(w) * (at/grid - 0.5) * degrees
		}
		// 1.1 % of a Gaussian of two axes lies beyond 3 deviations.
		if math.Abs(sum-0.989) > 0.02 || math.Abs(x/sum-f.X) > 0.05 {
			t.Errorf("%+v: shares add up to %g around %g°", f, sum, x/sum)
		}
	}
}
