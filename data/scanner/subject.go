package scanner

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"engram/data/nifti"
)

// Version numbers the ways to make subjects: it changes when the same options give
// another subject, so that scans that are kept can name it.
const Version = 2

// Options describe a subject. The zero value of a field stands for its default.
type Options struct {
	// Seed decides everything that differs between subjects: where the areas
	// lie and what each voxel answers to, and its noise.
	Seed uint64
	// Voxels is how many voxels the subject has, 2,000 by default and at least
	// 100.
	Voxels int
	// NCSNR is the median over voxels of the ratio of signal to noise
	// deviations in a single trial, 0.4 by default.
	NCSNR float64
}

// Check reports options that no subject can have.
func (o Options) Check() error {
	_, err := o.withDefaults()
	return err
}

func (o Options) withDefaults() (Options, error) {
	o.Voxels = cmp.Or(o.Voxels, 2000)
	o.NCSNR = cmp.Or(o.NCSNR, 0.4)
	if o.Voxels < 100 || o.Voxels > 1<<18 {
		return o, fmt.Errorf("wanted 100 to %d voxels, found %d", 1<<18, o.Voxels)
	}
	if !(o.NCSNR > 0) || math.IsInf(o.NCSNR, 0) {
		return o, fmt.Errorf("wanted a median ncsnr above 0, found %g", o.NCSNR)
	}
	return o, nil
}

// Subject is a simulated subject: a volume of voxels that answer to pictures.
// It never changes and is safe for concurrent use.
type Subject struct {
	options Options
	shape   [3]int
	voxels  []voxel
	noise   *noise
}

// Voxel is what there is to know about a voxel of a subject.
type Voxel struct {
	At        [3]int // in the volume
	Area      Area
	LeftBrain bool
	Field     Field
	// NCSNR is the ratio of the deviations over images of the noiseless
	// response and over trials of the noise.
	NCSNR float64
}

// voxel is a Voxel and its tuning.
type voxel struct {
	Voxel
	pool pool
	tuning
	scale
}

// scale turns terms into responses.
type scale struct {
	offset float64        // in per cent signal change
	gain   [terms]float64 // per cent signal change for each unit of a term
	noise  float64        // deviation in per cent signal change
}

// New returns the subject that the options describe. Responses are standardised
// over the reference, which should be pictures like the ones that the subject will
// see, some hundreds of them: over these each voxel's noiseless response has
// the deviation that its ncsnr says. A part of the noise resembles responses to
// the first of them. The same options and reference give the same subject.
func New(options Options, reference Stimuli) (*Subject, error) {
	s, err := newSubject(options, reference)
	if err != nil {
		return nil, fmt.Errorf("scanner: %w", err)
	}
	return s, nil
}

func newSubject(options Options, reference Stimuli) (*Subject, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	if reference.Count < 2 {
		return nil, fmt.Errorf("wanted 2 reference pictures at least, found %d", reference.Count)
	}
	dice := newDice("anatomy", options.Seed)
	shape, places := layOut(options.Voxels, dice)
	s := &Subject{options: options, shape: shape, voxels: make([]voxel, len(places))}
	for i, p := range places {
		v := &s.voxels[i]
		v.At, v.Area, v.LeftBrain = p.at, p.area, p.leftBrain
		v.Field = p.field(dice)
		v.pool = newPool(v.Field)
		v.tuning = newTuning(v.Voxel, dice)
		v.NCSNR = anatomy[p.area].reliability * math.Exp(spread*dice.NormFloat64())
	}
	s.scaleNCSNR()
	if err := s.calibrate(reference, dice); err != nil {
		return nil, err
	}
	reference.Count = min(reference.Count, maxEchoes)
	echoes, err := s.Responses(reference)
	if err != nil {
		return nil, err
	}
	s.noise = newNoise(s.voxels, echoes)
	return s, nil
}

// maxEchoes is how many reference pictures the noise resembles.
const maxEchoes = 128

// spread is the deviation of the logarithm of the ncsnr within an area.
const spread = 0.6

// scaleNCSNR gives the drawn ratios the median that the options ask for.
func (s *Subject) scaleNCSNR() {
	var all []float64
	for i := range s.voxels {
		all = append(all, s.voxels[i].NCSNR)
	}
	slices.Sort(all)
	median := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	for i := range s.voxels {
		s.voxels[i].NCSNR *= s.options.NCSNR / median
	}
}

// field returns the receptive field of a voxel at the place. Eccentricity grows
// from the back of an area to its front as the inverse of Horton and Hoyt's
// cortical magnification (1991, Arch Ophthalmol 109:816) says, E = 0.75°·(eᵏ−1)
// at a distance k; the polar angle runs from the upper to the lower vertical
// meridian of the half-field opposite the hemisphere.
func (p place) field(dice *rand.Rand) Field {
	const half = 0.75
	a := anatomy[p.area]
	eccentricity := half * (math.Pow(1+a.farthest/half, p.u) - 1)
	angle := math.Pi * (p.v - 0.5) // the bottom of an area sees the upper field
	f := Field{
		X: eccentricity*math.Cos(angle) + 0.1*dice.NormFloat64(),
		Y: eccentricity*math.Sin(angle) + 0.1*dice.NormFloat64(),
	}
	if !p.leftBrain {
		f.X = -f.X
	}
	f.Size = (a.size + a.slope*eccentricity) * math.Exp(0.15*dice.NormFloat64())
	return f
}

// newDice returns the random numbers that a purpose and some numbers name.
func newDice(purpose string, numbers ...uint64) *rand.Rand {
	state := hash(purpose)
	for _, n := range numbers {
		// A step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
		state = (state ^ n) + 0x9E3779B97F4A7C15
		state = (state ^ state>>30) * 0xBF58476D1CE4E5B9
		state = (state ^ state>>27) * 0x94D049BB133111EB
		state ^= state >> 31
	}
	return rand.New(rand.NewPCG(state, uint64(len(numbers))))
}

// Voxels returns the subject's voxels in the order of the columns of its
// responses: C order of their places in the volume.
func (s *Subject) Voxels() []Voxel {
	out := make([]Voxel, len(s.voxels))
	for i := range out {
		out[i] = s.voxels[i].Voxel
	}
	return out
}

// Mask returns where the voxels lie in the volume.
func (s *Subject) Mask() *nifti.Mask {
	mask := &nifti.Mask{Shape: s.shape}
	for i := range s.voxels {
		at := s.voxels[i].At
		mask.Index = append(mask.Index, (at[0]*s.shape[1]+at[1])*s.shape[2]+at[2])
	}
	return mask
}

// calibrate sets the scale of every voxel.
func (s *Subject) calibrate(reference Stimuli, dice *rand.Rand) error {
	sums := make([]moments, len(s.voxels))
	err := s.eachTerms(reference, func(_ int, all [][terms]float64) {
		for i := range sums {
			sums[i].add(all[i])
		}
	})
	if err != nil {
		return err
	}
	for i := range s.voxels {
		v := &s.voxels[i]
		// In NSD the deviation over trials is 1.75 % and the mean 0.25 % of the
		// signal in cortex on average.
		v.noise = 1.6 * math.Exp(0.25*dice.NormFloat64())
		baseline := 0.25 + 0.5*dice.NormFloat64()
		if !v.standardise(&sums[i], v.mix) {
			return fmt.Errorf("voxel %d of %s: %w", i, v.Area, errFlat)
		}
		v.offset *= v.NCSNR * v.noise
		v.offset += baseline
		for k := range v.gain {
			v.gain[k] *= v.NCSNR * v.noise
		}
	}
	return nil
}

var errFlat = errors.New("its response is the same for all reference pictures")

// moments are sums over pictures.
type moments struct {
	n        float64
	mean     [terms]float64
	products [terms][terms]float64 // of deviations from the mean
}

// add takes the terms of one more picture (Welford 1962, Technometrics 4:419).
func (m *moments) add(x [terms]float64) {
	m.n++
	var before [terms]float64
	for i := range x {
		before[i] = x[i] - m.mean[i]
		m.mean[i] += before[i] / m.n
	}
	for i := range x {
		for j := range x {
			m.products[i][j] += before[i] * (x[j] - m.mean[j])
		}
	}
}

// standardise sets gain and offset so that the response has mean 0 and
// deviation 1 over the pictures of the moments, each term in it having its share
// of mix. A term that never varies is left out. It reports whether any varies.
func (s *scale) standardise(m *moments, mix [terms]float64) bool {
	for k := range mix {
		if variance := m.products[k][k] / m.n; variance > 1e-12 {
			s.gain[k] = mix[k] / math.Sqrt(variance)
		}
	}
	var variance, mean float64
	for i := range mix {
		mean += s.gain[i] * m.mean[i]
		for j := range mix {
			variance += s.gain[i] * s.gain[j] * m.products[i][j] / m.n
		}
	}
	if variance <= 1e-12 {
		return false
	}
	deviation := math.Sqrt(variance)
	for k := range s.gain {
		s.gain[k] /= deviation
	}
	s.offset = -mean / deviation
	return true
}
