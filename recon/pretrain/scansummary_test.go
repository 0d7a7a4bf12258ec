package pretrain

import (
	"math"
	"math/rand/v2"
	"testing"

	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// codedPairs returns scenes whose predictions are a random code of their kinds with noise, at
// the size that elements of unit vectors have.
func codedPairs(s DenoiserShape, n int) *pairs {
	rng, all, width := rand.New(rand.NewPCG(5, 6)), scenes.Kinds(), s.Tokens*s.Dim
	code := normals(rng, len(all)*width, 1/math.Sqrt(float64(width)))
	p := &pairs{}
	world := scenes.New(9)
	for i := range n {
		scene := world.Scene(scenes.Train, uint64(i))
		row := make([]float32, width)
		for j := range row {
			row[j] = .3 + .01*float32(rng.NormFloat64())
			for _, k := range placesOf(all, &scene) {
				row[j] += code[k*width+j]
			}
		}
		p.scenes = append(p.scenes, scene)
		p.predicted = append(p.predicted, halves(row)...)
	}
	return p
}

// TestTheSummaryBeginsWithTheKinds runs a denoiser's summary before any training.
func TestTheSummaryBeginsWithTheKinds(t *testing.T) {
	t.Parallel()
	kinds := len(scenes.Kinds())
	for _, c := range []struct {
		width       int
		least, most float64 // share of held-out images that a kind is named of
	}{{2*kinds + 10, .95, 1}, {10, .02, .6}} {
		shape := DenoiserShape{Tokens: 10, Dim: 16, SummaryWidth: c.width}
		n := &scansNetwork{denoiserNetwork: denoiserNetwork{shape: shape, seed: 3}, pairs: []*pairs{codedPairs(shape, 1600)}}
		tr := &training{net: n, from: map[string][]float32{}}
		if err := tr.beginSummary(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		got := named(t, tr, n)
		if !(got >= c.least && got <= c.most) {
			t.Errorf("a summary of %d units names a kind of %.3f of the held-out images, want %v to %v", c.width, got, c.least, c.most)
		}
	}
}

// named returns the share of the first subject's held-out images for which the summary names a
// kind that is in the image, before any training.
func named(t *testing.T, tr *training, n *scansNetwork) float64 {
	t.Helper()
	net, all, shape := newNet(), scenes.Kinds(), n.shape
	contexts := net.Graph().Data(contextName, onnx.Float, grad.Batch, shape.Tokens, shape.Dim)
	told := net.Linear(kindsName, shape.summaryHidden(net, contexts), len(all))
	values := grad.NewState(net.Graph().Params(), tr.initialise(net)).Values()
	content, err := grad.Export(map[string]*grad.Node{kindsName: told}, values)
	if err != nil {
		t.Fatal(err)
	}
	s, err := session(orttest.Runtime(t), kindsName, content)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, width := n.pairs[0], shape.Tokens*shape.Dim
	first := p.trained()
	held := len(p.scenes) - first
	x := make([]float32, held*width)
	widen(x, p.predicted[first*width:])
	out := ort.Tensors{kindsName: nil}
	in := ort.Tensors{contextName: {Shape: []int64{int64(held), int64(shape.Tokens), int64(shape.Dim)}, Data: x}}
	if err := s.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	logits, hits := out[kindsName].Data.([]float32), 0
	for i := range held {
		best := 0
		for k, l := range logits[i*len(all):][:len(all)] {
			if math.IsNaN(float64(l)) {
				t.Fatalf("image %d, kind %d is NaN", i, k)
			}
			if l > logits[i*len(all)+best] {
				best = k
			}
		}
		if p.scenes[first+i].Shows(all[best]) {
			hits++
		}
	}
	return float64(hits) / float64(held)
}
