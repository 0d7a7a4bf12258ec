package eval

import (
	"math"
	"testing"

	"engram/embed/embedtest"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// Every published protocol by the published formulas, on one pair of images and
// predictions.
func TestProtocolsEqualThePublishedFormulas(t *testing.T) {
	g := embedtest.Read(t, "published")
	images, predicted := g.Inputs["images"].Matrix(), g.Inputs["predicted"].Matrix()
	pearson, err := Similarity(t.Context(), Pearson, images, predicted)
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewOutcomes(pearson)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "two-way", []float64{two.Score(1).TwoWay.Mean}, g.Outputs["two_way"].Data, 1e-6)
	size := g.Inputs["draws"].Shape[1]
	var draws [][]int
	for list := g.Inputs["draws"].Ints(); len(list) > 0; list = list[size:] {
		draws = append(draws, list[:size])
	}
	for _, name := range []string{"cosine", "token_cosine"} {
		if name == "token_cosine" {
			if images, err = UnitTokens(images, 4); err != nil {
				t.Fatal(err)
			}
			if predicted, err = UnitTokens(predicted, 4); err != nil {
				t.Fatal(err)
			}
		}
		sim, err := Similarity(t.Context(), Cosine, images, predicted)
		if err != nil {
			t.Fatal(err)
		}
		embedtest.Near(t, name, sim.RawMatrix().Data, g.Outputs[name].Data, 1e-6)
		drawn, err := scoreDraws(t.Context(), sim, draws, 1)
		if err != nil {
			t.Fatal(err)
		}
		found, err := NewOutcomes(sim)
		if err != nil {
			t.Fatal(err)
		}
		score := found.Score(1)
		for direction, of := range map[string]struct {
			draws Interval
			all   float64
		}{"image": {drawn.Image, score.ImageTop1.Share}, "brain": {drawn.Brain, score.BrainTop1.Share}} {
			embedtest.Near(t, name+" "+direction, []float64{of.draws.Mean, of.draws.Low, of.draws.High}, g.Outputs[name+"_"+direction].Data, 1e-6)
			embedtest.Near(t, name+" "+direction+" of all", []float64{of.all}, g.Outputs[name+"_"+direction+"_all"].Data, 1e-6)
		}
	}
}

func TestReliabilityEqualsNumPy(t *testing.T) {
	g := embedtest.Read(t, "reliability")
	margin := g.Inputs["margin"].Data
	o := Outcomes{Margin: margin}
	hits := make([]bool, len(margin))
	for i, hit := range g.Inputs["hits"].Data {
		hits[i] = hit == 1
		o.Image = append(o.Image, 2-hit)
	}
	embedtest.Near(t, "risks", riskCurve(margin, hits), g.Outputs["risks"].Data, 1e-8)
	r, err := o.Reliability(1)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "AURC", []float64{r.AURC, r.Best}, []float64{g.Outputs["aurc"].Data[0], g.Outputs["best"].Data[0]}, 1e-8)
	fit := fitPlatt(margin, hits)
	for i, m := range margin {
		embedtest.Near(t, "probability", []float64{fit.probability(m)}, g.Outputs["probability"].Data[i:i+1], 1e-5)
	}
	if last := r.Curve[len(r.Curve)-1]; len(r.Curve) != 20 || last.Share != 1 || last.Risk != r.Risk {
		t.Errorf("the curve is %v, want 20 points up to a coverage of 1", r.Curve)
	}
	// A margin that tells something beats one probability for all.
	if c := r.Calibration; c == nil || c.Brier >= c.Base || len(c.Bins) != 10 {
		t.Errorf("calibration is %+v", c)
	}
}

// The area lies between the best order and no order at all where confident answers are
// right more often, and a constant margin has no order.
func TestAreaUnderRiskHasBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 80).Draw(t, "n")
		o := Outcomes{Margin: make([]float64, n), Image: make([]float64, n)}
		for i := range n {
			o.Margin[i], o.Image[i] = float64(rapid.IntRange(0, 5).Draw(t, "margin")), float64(rapid.IntRange(1, 2).Draw(t, "rank"))
		}
		r, err := o.Reliability(1)
		if err != nil || r.AURC < r.Best-1e-9 || r.AURC > 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		clear(o.Margin)
		if r, err = o.Reliability(1); err != nil || math.Abs(r.AURC-r.Risk) > 1e-9 {
			t.Fatalf("equal margins: %+v, %v", r, err)
		}
	})
}

func TestPairedTestsEqualSciPy(t *testing.T) {
	g := embedtest.Read(t, "paired")
	pairs := g.Inputs["pairs"].Ints()
	for i, want := range g.Outputs["mcnemar"].Data {
		embedtest.Near(t, "McNemar", []float64{McNemar(pairs[2*i], pairs[2*i+1])}, []float64{want}, 1e-6)
	}
	// Four standard errors of 9,999 draws.
	embedtest.Near(t, "sign flip", []float64{SignFlip(g.Inputs["differences"].Data, 1)}, g.Outputs["sign_flip"].Data, .01)
	// Of few differences every flip is tried: 2 of 8 are as extreme, and 6 of 8.
	embedtest.Near(t, "exact sign flip", []float64{SignFlip([]float64{.1, .2, .3}, 1), SignFlip([]float64{.1, -.2, .3}, 1)}, []float64{.25, .75}, 0)
	embedtest.Near(t, "Holm", Holm(g.Inputs["tests"].Data), g.Outputs["holm"].Data, 1e-9)
	s, err := OverSubjects(g.Inputs["subjects"].Data)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "subjects", []float64{s.Mean, s.Low, s.High}, g.Outputs["student"].Data, 1e-6)
	if _, err := OverSubjects([]float64{1}); err == nil {
		t.Error("one subject has an interval over subjects")
	}
	if _, err := ComparedSubjects([]float64{1, 2}, []float64{1}, 1); err == nil {
		t.Error("differences of two subjects and of one are compared")
	}
}

// The second decoder has all that the first one has, and six images more.
func TestComparedOutcomes(t *testing.T) {
	first, second := Outcomes{}, Outcomes{}
	for i := range 20 {
		rank, way := 1., 1.
		if i < 6 {
			rank, way = 3, .5
		}
		first.Image, first.TwoWay = append(first.Image, rank), append(first.TwoWay, way)
		second.Image, second.TwoWay = append(second.Image, 1), append(second.TwoWay, 1)
	}
	p, err := Compared(first, second, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.Second != 6 || p.First != 0 || p.Neither != 0 || math.Abs(p.McNemar-2./64) > 1e-12 || math.Abs(p.Top1.Mean-.3) > 1e-9 || p.Top1.Low <= 0 {
		t.Errorf("%+v, want 6 images for the second decoder", p)
	}
	// 2 of 64 patterns of signs are as extreme.
	if math.Abs(p.Permutation-2./64) > .01 || math.Abs(p.TwoWay.Mean-.15) > 1e-9 {
		t.Errorf("two-way %+v, p %v", p.TwoWay, p.Permutation)
	}
	if same, err := Compared(first, first, 1); err != nil || same.McNemar != 1 || same.Permutation != 1 {
		t.Errorf("a decoder against itself: %+v, %v", same, err)
	}
	if _, err := Compared(first, Outcomes{}, 1); err == nil {
		t.Error("outcomes of different images are compared")
	}
}

func TestOutcomesOfPredictions(t *testing.T) {
	// Prediction 2 is as near to image 0 as to its own.
	o, err := NewOutcomes(mat.NewDense(3, 3, []float64{
		.9, .1, .5,
		.2, .8, .1,
		.3, .2, .5,
	}))
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "ranks", o.Image, []float64{1, 1, 1.5}, 0)
	embedtest.Near(t, "margins", o.Margin, []float64{.6, .6, 0}, 1e-12)
	embedtest.Near(t, "two-way", o.TwoWay, []float64{1, 1, .5}, 1e-12)
	if some := o.Pick([]int{2, 0}); some.Image[0] != 1.5 || some.Margin[1] != o.Margin[0] || o.Hits()[2] {
		t.Errorf("picked %+v, hits %v", some, o.Hits())
	}
	if _, err := NewOutcomes(mat.NewDense(1, 1, nil)); err == nil {
		t.Error("one image is ranked")
	}
}

// A scan of large likelihoods does not take the images of others: without the
// evidence, image 1 finds scan 0.
func TestPosteriorsMakeScansComparable(t *testing.T) {
	sim := mat.NewDense(2, 2, []float64{9, 1, 7, 2})
	LogPosterior(sim)
	o, err := NewOutcomes(sim)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "brain ranks", o.Brain, []float64{1, 1}, 0)
	embedtest.Near(t, "margins", o.Margin, []float64{2, 1}, 1e-12)
	for j := range 2 {
		embedtest.Near(t, "sum of probabilities", []float64{math.Exp(sim.At(0, j)) + math.Exp(sim.At(1, j))}, []float64{1}, 1e-12)
	}
}
