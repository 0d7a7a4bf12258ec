package prior

import (
	"math"

	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
)

// Shape is the shape of a diffusion prior's network.
type Shape struct {
	Tokens, Dim int // T and D
	Width       int
	Layers      nn.Transformer
}

// DefaultShape returns a network small enough to be trained on a CPU in minutes, for T tokens
// of D elements. MindEye's has a width of D, 6 layers and 12 heads.
func DefaultShape(t, d int) Shape {
	return Shape{Tokens: t, Dim: d, Width: 128, Layers: nn.Transformer{Layers: 3, Heads: 4}}
}

const (
	trainSteps = 100 // of the noise schedule, as MindEye's
	timeBumps  = 16  // radial basis functions over the time
)

// scheduler is MindEye's noise schedule: a cosine over 100 steps, and a network that predicts
// the clean tokens.
func scheduler() model.Scheduler {
	return model.Scheduler{Steps: trainSteps, BetaStart: 6e-4, BetaEnd: .999, BetaSchedule: "cosine", Prediction: "sample"}
}

// predict maps the tokens that a decoder predicts, [n, T, D], noisy tokens of an image,
// [n, T, D], and training steps, [n], to the clean tokens, [n, T, D]. All tokens are scaled.
//
// It is the transformer of MindEye's prior (Scotti et al. 2023, arXiv 2305.18274, section
// 3.2): the predicted tokens, the time, and the noisy tokens with a learned position each
// are one sequence of 2T + 1, and the last T become the clean tokens. They begin as what
// was predicted: the network learns what is missing there.
func (s Shape) predict(n *nn.Net, predicted, noisy, time *grad.Node) *grad.Node {
	batch := predicted.Shape()[0]
	brain := grad.Add(n.Linear("predicted", predicted, s.Width), n.Table("predicted.position", s.Tokens, s.Width))
	image := grad.Add(n.Linear("noisy", noisy, s.Width), n.Table("query", s.Tokens, s.Width))
	clock := grad.Reshape(n.Clock("time", time, nn.Clock{Steps: trainSteps, Bumps: timeBumps, Width: s.Width}), batch, 1, s.Width)
	x := n.Norm("norm", n.Transformer("layers", grad.Concat(1, brain, clock, image), nil, s.Layers))
	last := grad.Slice(x, 1, s.Tokens+1, 2*s.Tokens+1)
	return grad.Add(predicted, n.LinearFrom("out", last, s.Dim, nn.Zeros))
}

// scaleOf returns what makes the deviations of tokens from their mean, [n, T·D], as large as
// the noise.
func scaleOf(seen []float32, width int) float64 {
	rows := len(seen) / width
	mean := make([]float64, width)
	for i, x := range seen {
		mean[i%width] += float64(x) / float64(rows)
	}
	var square float64
	for i, x := range seen {
		d := float64(x) - mean[i%width]
		square += d * d / float64(len(seen))
	}
	if square == 0 {
		return 1
	}
	return 1 / math.Sqrt(square)
}
