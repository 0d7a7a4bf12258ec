package scan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/data/progress"
	"engram/embed/internal/matrix"
	"engram/embed/ort/orttest"

	"gonum.org/v1/gonum/stat"
)

// leftOutWorld returns left-out predictions of images with independent scores, three
// trials each: half the score plus noise that the components share.
func leftOutWorld(images, rank int) leftOutScores {
	rng := rand.New(rand.NewPCG(3, 4))
	s := leftOutScores{predicted: matrix.New(3*images, rank), target: matrix.New(images, rank), seed: 1}
	for i := range s.target.Data {
		s.target.Data[i] = float32(rng.NormFloat64())
	}
	for trial := range s.predicted.Rows {
		shared := rng.NormFloat64()
		for k, z := range matrix.Row(s.target, trial/3) {
			s.predicted.Data[trial*rank+k] = z/2 + float32(shared+.4*rng.NormFloat64())
		}
		s.images = append(s.images, trial/3)
	}
	return s
}

// TestRefinementRepairsAWrongStart begins at models that take the errors for
// independent, which they are not, and expects training to find more of the images that
// it does not see. One that begins at the right model shall stop at once.
func TestRefinementRepairsAWrongStart(t *testing.T) {
	rt := orttest.Runtime(t)
	all := leftOutWorld(300, 8)
	fit, judged := all.part(numbers(0, 600)), all.part(numbers(600, 900))
	part := heldOut{fit: fit, predicted: judged.predicted, among: matrix.Part(all.target, 200, 300)}
	for _, image := range judged.images {
		part.right = append(part.right, image-200)
	}
	independent, full := fitted(t, fit, 1), fitted(t, fit, 0)
	for name, test := range map[string]struct {
		config  Config
		start   *mapping
		stopped bool // at once
	}{
		"the likelihood":                {Config{Preset: PresetRefined, Rank: 8}, independent, false},
		"the likelihood behind a net":   {Config{Preset: PresetRefinedNetwork, Rank: 8, Width: 16, DropoutIn: .1}, independent, false},
		"the cosine":                    {Config{Preset: PresetContrastive, Rank: 8}, fit.cosine(PresetGains), false},
		"the likelihood as it is right": {Config{Preset: PresetRefined, Rank: 8}, full, true},
	} {
		opts := Options{Preset: test.config.Preset, LR: 1e-2}.withDefaults(len(fit.images))
		r, err := newRefinement(test.config, opts, test.start, fit)
		if err != nil {
			t.Fatal(err)
		}
		epochs, err := r.stop(t.Context(), rt, part, func(progress.Report) {})
		if err != nil {
			t.Fatal(err)
		}
		if (epochs == 0) != test.stopped {
			t.Errorf("%s was trained for %d epochs; stopped at once: want %v", name, epochs, test.stopped)
		}
		if epochs >= opts.Epochs {
			t.Errorf("%s was trained for %d epochs of %d; the last one is never judged", name, epochs, opts.Epochs)
		}
		trained, err := r.loop(r.layers(), epochs).Run(t.Context(), rt)
		if err != nil {
			t.Fatal(err)
		}
		m, network := r.result(trained.Values)
		after := part
		if network != nil {
			if after.predicted, err = (&Model{Config: r.config, Values: network}).refine(t.Context(), rt, part.predicted); err != nil {
				t.Fatal(err)
			}
		}
		was, now := rankOf(t, part, test.start), rankOf(t, after, m)
		t.Logf("%s: mean logarithm of the rank %.3f before and %.3f after %d epochs", name, was, now, epochs)
		if test.stopped && now != was || !test.stopped && now > .8*was {
			t.Errorf("%s: the mean logarithm of the rank is %.3f, was %.3f", name, now, was)
		}
	}
}

// fitted returns the likelihood whose covariances are shrunk so far.
func fitted(t *testing.T, s leftOutScores, shrinkage float64) *mapping {
	t.Helper()
	g, err := newGaussian(s.moments(), s.target.Cols, .1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := g.mapping(s.target.Cols, shrinkage)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestFewImagesDoNotJustifyTraining judges the repair of a wrong start by three images,
// which do not tell it from luck.
func TestFewImagesDoNotJustifyTraining(t *testing.T) {
	all := leftOutWorld(300, 8)
	fit, judged := all.part(numbers(0, 600)), all.part(numbers(600, 609))
	part := heldOut{fit: fit, predicted: judged.predicted, among: matrix.Part(all.target, 200, 203), right: []int{0, 0, 0, 1, 1, 1, 2, 2, 2}}
	c := Config{Preset: PresetRefined, Rank: 8}
	r, err := newRefinement(c, Options{Preset: c.Preset, LR: 1e-2}.withDefaults(len(fit.images)), fitted(t, fit, 1), fit)
	if err != nil {
		t.Fatal(err)
	}
	if epochs, err := r.stop(t.Context(), orttest.Runtime(t), part, nil); epochs != 0 || err != nil {
		t.Errorf("three images justify %d epochs, error %v; want none", epochs, err)
	}
}

// TestANetworkBeginsAtTheClosedForm asks a network that was not trained for what it
// makes of the ridge's scores.
func TestANetworkBeginsAtTheClosedForm(t *testing.T) {
	rt := orttest.Runtime(t)
	s := leftOutWorld(40, 5)
	for i := range s.predicted.Data { // components of different scales
		s.predicted.Data[i] *= float32(1 + i%5)
	}
	c := Config{Preset: PresetRefinedNetwork, Rank: 5, Width: 8, DropoutIn: .5}
	r, err := newRefinement(c, Options{}.withDefaults(120), fitted(t, s, 1), s)
	if err != nil {
		t.Fatal(err)
	}
	untrained, err := r.loop(r.layers(), 0).Run(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	_, network := r.result(untrained.Values)
	got, err := (&Model{Config: c, Values: network}).refine(t.Context(), rt, s.predicted)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range s.predicted.Data {
		if math.Abs(float64(got.Data[i]-want)) > 1e-5*(1+math.Abs(float64(want))) {
			t.Fatalf("score %d becomes %v, was %v", i, got.Data[i], want)
		}
	}
}

// TestARefinementAddsToItsStart trains with the offsets of the likelihood that it begins
// at, and adds what was trained to the map and the shift of the query.
func TestARefinementAddsToItsStart(t *testing.T) {
	s := leftOutWorld(30, 3)
	start := fitted(t, s, 1)
	r, err := newRefinement(Config{Preset: PresetRefined, Rank: 3}, Options{}.withDefaults(90), start, s)
	if err != nil {
		t.Fatal(err)
	}
	coordinates, err := start.images(s.target)
	if err != nil {
		t.Fatal(err)
	}
	if want := start.offsets(coordinates, 1); !slices.Equal(r.offset, want) {
		t.Errorf("offsets %v, the likelihood's are %v", r.offset, want)
	}
	deltas := map[string][]float32{deltaQuery: {1, 2, 3, 4, 5, 6, 7, 8, 9}, deltaShift: {10, 20, 30}}
	m, _ := r.result(deltas)
	for i, d := range deltas[deltaQuery] {
		if got, want := m.query.Data[i], start.query.Data[i]+d; got != want {
			t.Errorf("element %d of the map is %v, want %v", i, got, want)
		}
	}
	for i, d := range deltas[deltaShift] {
		if got, want := m.shift[i], start.shift[i]+d; got != want {
			t.Errorf("element %d of the shift is %v, want %v", i, got, want)
		}
	}
}

func rankOf(t *testing.T, h heldOut, m *mapping) float64 {
	t.Helper()
	ranks, err := h.logRanks(m)
	if err != nil {
		t.Fatal(err)
	}
	return stat.Mean(ranks, nil)
}

func numbers(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// TestGalleryHoldsSeenImagesOnly keeps images that no trial saw out of the loss: in
// a cross-validation they are the test's.
func TestGalleryHoldsSeenImagesOnly(t *testing.T) {
	all := leftOutWorld(5, 3)
	some := all.part([]int{0, 1, 6, 12, 13})
	if g := newGallery(some); !slices.Equal(g.images, []int64{0, 2, 4}) || g.coordinates.Rows != 3 {
		t.Errorf("the gallery has images %v, want 0, 2 and 4", g.images)
	}
}

// TestLossesAreNamed takes a loss behind a preset that has a network, and refuses it
// elsewhere.
func TestLossesAreNamed(t *testing.T) {
	for _, loss := range Losses() {
		if err := CheckPreset(PresetCompact + ":" + loss); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"compact:l1", "linear:mse", "mindeye1:gallery", "refined-network:mse", "best"} {
		if err := CheckPreset(name); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
