package glassbrain

import (
	"testing"

	"pgregory.net/rapid"
)

// Outlines enclose as many pixels as there are inside, whatever their form.
func TestLoopsEncloseThePixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const side = 7
		inside, pixels := make([]bool, side*side), 0
		for at := range inside {
			if x, y := at%side, at/side; x > 0 && x < side-1 && y > 0 && y < side-1 && rapid.Bool().Draw(t, "inside") {
				inside[at] = true
				pixels++
			}
		}
		area := 0 // of all lines together, twice, by the shoelace formula
		for _, line := range loops(inside, side) {
			for i := 0; i < len(line); i += 2 {
				j := (i + 2) % len(line)
				if dx, dy := line[j]-line[i], line[j+1]-line[i+1]; dx*dx+dy*dy != 1 {
					t.Fatalf("corner %d of %v is not one pixel from the next", i/2, line)
				}
				area += line[i]*line[j+1] - line[j]*line[i+1]
			}
		}
		if area != 2*pixels {
			t.Fatalf("%d pixels have outlines around %d half pixels", pixels, area)
		}
	})
}
