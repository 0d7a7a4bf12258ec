package demo

import (
	"math"
	"testing"

	"engram/embed"
)

// line returns one token for each place on a line.
func line(places ...float32) (list []embed.Tokens) {
	for _, x := range places {
		list = append(list, embed.Tokens{T: 1, D: 2, Data: []float32{x, x / 10}})
	}
	return list
}

func TestCloudsAreComparedAsWholes(t *testing.T) {
	truth := line(-2, -1, 0, 1, 2)
	for name, test := range map[string]struct {
		made                         []embed.Tokens
		least, most, nearest, widest float64 // of the distance of the clouds, and of the pairs
	}{
		"the same":           {line(-2, -1, 0, 1, 2), 0, 1e-9, 0, 1e-9},
		"in another order":   {line(2, 1, 0, -1, -2), 0, 1e-9, 1, 1.5},
		"all in the middle":  {line(0, 0, 0, 0, 0), .2, .5, .5, .7},
		"all far from there": {line(98, 99, 100, 101, 102), .95, 1, 40, 60},
	} {
		c, err := newCloud(truth, test.made)
		if err != nil {
			t.Fatal(err)
		}
		if math.IsNaN(c.Distance) || c.Distance < test.least-1e-12 || c.Distance > test.most || c.Pairs < test.nearest || c.Pairs > test.widest {
			t.Errorf("%s: clouds %v and pairs %v, want %v to %v and %v to %v", name, c.Distance, c.Pairs, test.least, test.most, test.nearest, test.widest)
		}
		// The first component lies along the line, and the mean is the origin of the plane.
		if length := math.Abs(c.True[4][0]); math.Abs(length-2*math.Sqrt(1.01)) > 1e-6 || math.Abs(c.True[2][0]) > 1e-6 {
			t.Errorf("%s: the true tokens lie at %v, want them along the first axis", name, c.True)
		}
	}
	if _, err := newCloud(line(1, 1), line(1, 2)); err == nil {
		t.Error("true tokens that are all the same have a distance")
	}
}
