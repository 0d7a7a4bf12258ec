package scanner

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Lengths of the random vectors that stand for words. Two words are as alike as
// their vectors, so that a voxel cannot answer to each word in a way of its own.
const (
	categoryWidth = 8
	kindWidth     = 16
	settingWidth  = 16
	looksWidth    = 16
	relationWidth = 16
)

// tuning is what a voxel prefers.
type tuning struct {
	mix      [terms]float64 // shares of the terms, by their deviations
	energy   [scales * orientations]float32
	opponent [2]float32 // weights of red against green and blue against yellow
	light    [2]float32 // of luminance and its contrast

	animacy  float64
	category [categoryWidth]float64
	kind     [kindWidth]float64
	setting  [settingWidth]float64
	looks    [looksWidth]float64
	relation [relationWidth]float64
	size     float64 // of things, in degrees, the best
	number   float64 // of things: the logarithm of 1 + the best
}

// newTuning draws the tuning of a voxel.
func newTuning(v Voxel, dice *rand.Rand) tuning {
	a := anatomy[v.Area]
	var t tuning
	for k, share := range a.mix {
		t.mix[k] = share * math.Exp(0.4*dice.NormFloat64())
	}
	t.drawEnergy(v.Field, dice)
	turn := 2 * math.Pi * dice.Float64()
	t.opponent = [2]float32{float32(math.Cos(turn)), float32(math.Sin(turn))}
	turn = 2 * math.Pi * dice.Float64()
	t.light = [2]float32{float32(math.Cos(turn)), float32(math.Sin(turn))}

	t.animacy = a.animacy + 0.4*dice.NormFloat64()
	fill := func(weights []float64) {
		for i := range weights {
			weights[i] = dice.NormFloat64()
		}
	}
	fill(t.category[:])
	fill(t.kind[:])
	fill(t.setting[:])
	fill(t.looks[:])
	fill(t.relation[:])
	t.size = 2 * math.Exp2(0.8*dice.NormFloat64())
	t.number = math.Log(1 + 6*dice.Float64())
	return t
}

// drawEnergy draws weights of the filters. The best period grows with
// eccentricity, 0.35° + 0.12·E, and the tuning to the logarithm of the frequency
// has a deviation of 2.2 octaves (Broderick, Simoncelli and Winawer 2022, J Vis
// 22(4):3). Orientations mix within a voxel, so that its tuning to them, a von
// Mises function, is flat.
func (t *tuning) drawEnergy(f Field, dice *rand.Rand) {
	best := 1 / (0.35 + 0.12*math.Hypot(f.X, f.Y)) * math.Exp2(0.5*dice.NormFloat64())
	theta := math.Pi * dice.Float64()
	narrow := 0.2 + dice.Float64()
	var sum float64
	var weights [scales * orientations]float64
	for i := range weights {
		octaves := math.Log2(cycles(i/orientations) / best)
		turn := math.Pi*float64(i%orientations)/orientations - theta
		weights[i] = gaussian(octaves, 2.2) * math.Exp(narrow*math.Cos(2*turn))
		sum += weights[i]
	}
	for i, w := range weights {
		t.energy[i] = float32(w / sum)
	}
}

// respond returns the terms of the voxel's response to what its field sees of a
// picture and to this content. The terms that it has no share of are 0.
func (v *voxel) respond(seen *[features]float32, c *coded) (out [terms]float64) {
	out[energyTerm] = v.compressed(seen)
	if v.mix[colourTerm] != 0 {
		sign := float32(-1)
		if anatomy[v.Area].unsigned {
			sign = 1
		}
		out[colourTerm] = float64(v.opponent[0]*(seen[red]+sign*seen[green]) + v.opponent[1]*(seen[blue]+sign*seen[yellow]))
	}
	if v.mix[lightTerm] != 0 {
		out[lightTerm] = float64(v.light[0]*seen[meanLight] + v.light[1]*seen[contrast])
	}
	if v.mix[thingsTerm] != 0 {
		out[thingsTerm] = v.toThings(c)
	}
	if v.mix[settingTerm] != 0 {
		out[settingTerm] = dot(v.setting[:], c.setting[:])
	}
	if v.mix[relationTerm] != 0 {
		out[relationTerm] = dot(v.relation[:], c.relation[:])
	}
	if v.mix[numberTerm] != 0 {
		// Harvey et al. 2013, Science 341:1123: log-Gaussian.
		out[numberTerm] = gaussian(math.Log(1+float64(len(c.things)))-v.number, 0.35)
	}
	return out
}

// compressed returns the energy that the voxel prefers in its field, raised to
// the area's exponent (Kay et al. 2013, J Neurophysiol 110:481). The energy of a
// contrast of 2 % is added before, so that an empty field is not infinitely far
// from a faint one.
func (v *voxel) compressed(seen *[features]float32) float64 {
	var sum float32
	for i, w := range v.energy {
		sum += w * seen[i]
	}
	return math.Pow(float64(sum)+0.02*0.02, anatomy[v.Area].exponent)
}

// toThings returns the mean over things of how much the voxel likes them,
// weighted by how much of its field they take and how near they are to the size
// that it prefers: many things divide the response between them (MacEvoy and
// Epstein 2009, Curr Biol 19:943).
func (v *voxel) toThings(c *coded) float64 {
	const none = 1
	var liking, total float64
	for i := range c.things {
		t := &c.things[i]
		d2 := (t.x-v.Field.X)*(t.x-v.Field.X) + (t.y-v.Field.Y)*(t.y-v.Field.Y)
		octaves := math.Log2(t.size / v.size)
		weight := math.Exp(-(d2/(v.Field.Size*v.Field.Size+t.size*t.size/20) + octaves*octaves) / 2)
		like := v.animacy*t.animacy + 0.5*dot(v.category[:], t.category[:]) + 0.7*dot(v.kind[:], t.kind[:]) +
			anatomy[v.Area].looks*dot(v.looks[:], t.looks[:]) + anatomy[v.Area].presence
		if v.Area.likes(t.name) {
			like++
		}
		liking += weight * like
		total += weight
	}
	return liking / (none + total)
}

// coded is a Content in numbers, as far as it is seen.
type coded struct {
	things   []codedThing
	setting  [settingWidth]float64
	relation [relationWidth]float64
}

type codedThing struct {
	x, y     float64 // of the middle, in degrees from the centre of the gaze
	size     float64 // root of the area, in degrees
	name     string  // of the category
	animacy  float64 // 1 or −1
	category [categoryWidth]float64
	kind     [kindWidth]float64
	looks    [looksWidth]float64
}

// coded returns the content of the part of the picture that is seen.
func (s *Stimulus) coded() *coded {
	var out coded
	for _, word := range s.Content.Setting {
		addWord(out.setting[:], "setting", word)
	}
	for _, r := range s.Content.Relations {
		addWord(out.relation[:], "relation", r.Word)
		addWord(out.relation[:], "relation", r.Subject+" "+r.Word)
		addWord(out.relation[:], "relation", r.Word+" "+r.Object)
	}
	n := float64(min(s.W, s.H))
	wide, high := float64(s.W)/n, float64(s.H)/n
	for _, t := range s.Content.Things {
		x, y, width, height := (t.X-0.5)*wide, (t.Y-0.5)*high, t.Width*wide, t.Height*high
		if math.Abs(x) > (1+width)/2 || math.Abs(y) > (1+height)/2 {
			continue // beyond the centre square
		}
		thing := codedThing{
			x: degrees * x, y: degrees * y, size: degrees * max(0.01, math.Sqrt(width*height)),
			name: t.Category, animacy: -1,
		}
		if t.Animate {
			thing.animacy = 1
		}
		addWord(thing.category[:], "category", t.Category)
		addWord(thing.kind[:], "kind", t.Kind)
		for _, word := range t.Looks {
			addWord(thing.looks[:], "looks", word)
		}
		out.things = append(out.things, thing)
	}
	return &out
}

// addWord adds the vector of a word to sum. Its length is 1 on average.
func addWord(sum []float64, role, word string) {
	dice := newDice(role, hash(word))
	for i := range sum {
		sum[i] += dice.NormFloat64() / math.Sqrt(float64(len(sum)))
	}
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
