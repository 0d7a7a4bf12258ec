package scanner

import (
	"math"
	"testing"
)

// A voxel of V1 answers more to a grating at its place than to one elsewhere,
// and more to its orientation than to the one across.
func TestV1AnswersToGratingsInItsField(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	checked := 0
	for i, v := range s.voxels {
		f := v.Field
		if v.Area != V1 || checked == 40 || math.Max(math.Abs(f.X), math.Abs(f.Y)) > 3 || math.Hypot(f.X, f.Y) < 1 || v.mix[energyTerm] < 0.5 {
			continue
		}
		checked++
		best := 0
		for k, w := range v.energy {
			if w > v.energy[best] {
				best = k
			}
		}
		scale, theta := best/orientations, math.Pi*float64(best%orientations)/orientations
		x, y := f.X/degrees+0.5, f.Y/degrees+0.5
		frequency := cycles(scale) * degrees
		rows := responses(t, s, list(
			grating(frequency, theta, x, y, 0.08),
			grating(frequency, theta+math.Pi/2, x, y, 0.08),
			grating(frequency, theta, 1-x, 1-y, 0.08)))
		if own, across, elsewhere := rows[0][i], rows[1][i], rows[2][i]; own <= across || own <= elsewhere {
			t.Errorf("voxel %d: %.3f %% for its grating, %.3f %% for that across, %.3f %% for that elsewhere", i, own, across, elsewhere)
		}
	}
	if checked != 40 {
		t.Errorf("%d voxels were looked at, want 40", checked)
	}
}

// things returns a grey picture with things of the category.
func things(category string, animate bool, at ...[2]float64) *Stimulus {
	s := painted(32, func(x, y float64) [3]float64 { return [3]float64{0.5, 0.4 + 0.1*x, 0.5} })
	for _, a := range at {
		s.Content.Things = append(s.Content.Things, Thing{
			Kind: category, Category: category, Animate: animate, X: a[0], Y: a[1], Width: 0.3, Height: 0.3,
		})
	}
	return s
}

// meanOf returns the mean response of an area in units of the deviations over
// the reference.
func meanOf(s *Subject, area Area, row []float32) float64 {
	var sum, n float64
	for i, v := range s.voxels {
		if v.Area == area {
			sum += (float64(row[i])) / (v.NCSNR * v.noise)
			n++
		}
	}
	return sum / n
}

func TestHigherAreasPreferTheirCategories(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	middle := [2]float64{0.5, 0.5}
	rows := responses(t, s, list(
		things("person", true, middle), things("animal", true, middle),
		things("food", false, middle), things("building", false, middle)))
	const person, animal, food, building = 0, 1, 2, 3
	for _, c := range []struct {
		area       Area
		more, less int
	}{
		{Faces, person, animal}, {Faces, animal, food}, {Bodies, animal, building}, {Bodies, person, food},
		{Objects, food, person}, {Objects, food, building}, {Places, building, person}, {Places, building, food},
	} {
		if more, less := meanOf(s, c.area, rows[c.more]), meanOf(s, c.area, rows[c.less]); more <= less {
			t.Errorf("%v: %.2f for picture %d, %.2f for picture %d", c.area, more, c.more, less, c.less)
		}
	}
	// Early areas have no idea: the four pictures have the same pixels.
	for i, v := range s.voxels {
		if v.Area == V1 && rows[person][i] != rows[food][i] {
			t.Fatalf("voxel %d of V1 tells people from food", i)
		}
	}
}

// What is asked of a change is how far it moves the responses of an area.
func TestHigherAreasAnswerToPlaceNumberAndSetting(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	base := things("animal", true, [2]float64{0.3, 0.4})
	moved := things("animal", true, [2]float64{0.8, 0.4})
	more := things("animal", true, [2]float64{0.3, 0.4}, [2]float64{0.3, 0.4}, [2]float64{0.3, 0.4})
	large := things("animal", true, [2]float64{0.3, 0.4})
	large.Content.Things[0].Width, large.Content.Things[0].Height = 0.8, 0.8
	beach := things("animal", true, [2]float64{0.3, 0.4})
	beach.Content.Setting = []string{"beach"}
	rows := responses(t, s, list(base, moved, more, large, beach))
	for _, c := range []struct {
		change string
		row    int
		area   Area
	}{{"place", 1, Bodies}, {"number", 2, Objects}, {"size", 3, Bodies}, {"setting", 4, Places}} {
		var squares, n float64
		for i, v := range s.voxels {
			if v.Area == c.area {
				d := float64(rows[c.row][i]-rows[0][i]) / (v.NCSNR * v.noise)
				squares += d * d
				n++
			}
		}
		if moved := math.Sqrt(squares / n); moved < 0.2 {
			t.Errorf("another %s moves %v by %.3f deviations, want at least 0.2", c.change, c.area, moved)
		}
	}
	for i, v := range s.voxels {
		if v.Area == Faces && rows[4][i] != rows[0][i] {
			t.Fatalf("voxel %d of the faces' area answers to the setting", i)
		}
	}
}

// A voxel tuned to a number of things answers most to that number.
func TestNumbersOfThings(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	tuned := 0
	for i := range s.voxels {
		v := &s.voxels[i]
		if v.Area != Objects {
			continue
		}
		tuned++
		best, most := 0, math.Inf(-1)
		for n := range 8 {
			term := v.respond(&[features]float32{}, &coded{things: make([]codedThing, n)})[numberTerm]
			if term > most {
				best, most = n, term
			}
		}
		if want := math.Exp(v.number) - 1; math.Abs(math.Log(1+float64(best))-v.number) > 0.4 {
			t.Errorf("voxel %d answers most to %d things, its number is %.1f", i, best, want)
		}
	}
	if tuned == 0 {
		t.Error("no voxel is tuned to numbers")
	}
}

func TestColourMovesV4MoreThanTheFacesArea(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	plain := func(r, g, b float64) *Stimulus {
		return painted(32, func(float64, float64) [3]float64 { return [3]float64{r, g, b} })
	}
	// Of nearly the same luminance: 0.299 r + 0.587 g + 0.114 b.
	rows := responses(t, s, list(plain(0.9, 0.3, 0.3), plain(0.2, 0.65, 0.35)))
	apart := func(area Area) float64 {
		var sum, n float64
		for i, v := range s.voxels {
			if v.Area == area {
				sum += math.Abs(float64(rows[0][i]-rows[1][i])) / (v.NCSNR * v.noise)
				n++
			}
		}
		return sum / n
	}
	if v4, faces := apart(V4), apart(Faces); v4 < 0.5 || faces > v4/2 {
		t.Errorf("red and green are %.2f deviations apart in V4, %.2f in the faces' area", v4, faces)
	}
}

// What lies beyond the centre square is not seen.
func TestOnlyTheCentreSquareIsSeen(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 300})
	wide := func(edge byte, things ...Thing) *Stimulus {
		p := &Stimulus{W: 40, H: 20, Content: Content{Things: things}}
		for i := range 40 * 20 {
			v := byte(i)
			if x := i % 40; x < 10 || x >= 30 {
				v = edge
			}
			p.Pix = append(p.Pix, v, v, v)
		}
		return p
	}
	thing := Thing{Kind: "dog", Category: "animal", Animate: true, X: 0.05, Y: 0.5, Width: 0.1, Height: 0.2}
	rows := responses(t, s, list(wide(0), wide(255, thing)))
	for v := range rows[0] {
		if rows[0][v] != rows[1][v] {
			t.Fatalf("voxel %d sees beyond the centre square", v)
		}
	}
	thing.X = 0.5
	seen := responses(t, s, list(wide(0, thing)))
	if meanOf(s, Bodies, seen[0]) <= meanOf(s, Bodies, rows[0]) {
		t.Error("the area of bodies does not answer to a dog in the middle")
	}
}
