package pretrain

import (
	"math"

	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
)

// DenoiserShape is the shape of a latent denoiser. What it shares with the CLIP
// and the autoencoder comes from their models.
type DenoiserShape struct {
	Width    int            `json:"width"`
	Layers   nn.Transformer `json:"layers"`
	Tokens   int            `json:"tokens"`   // T of the CLIP
	Dim      int            `json:"dim"`      // D of the CLIP
	Channels int            `json:"channels"` // of the latent
	Side     int            `json:"side"`     // of the latent
	// Summary is how many tokens are made of all elements of the context together, by a
	// layer of SummaryWidth units; 0: none.
	Summary      int `json:"summary,omitempty"`
	SummaryWidth int `json:"summary_width,omitempty"`
}

// scheduler is the noise that denoisers are trained with: the cosine schedule
// and v-prediction, whose target has the same size at every step (Salimans and
// Ho 2022, arXiv 2202.00512, section 4). The betas are what the cosine gives
// the first and the last step.
func scheduler() model.Scheduler {
	return model.Scheduler{Steps: trainSteps, BetaStart: 4.1e-5, BetaEnd: .999, BetaSchedule: "cosine", Prediction: "v"}
}

const (
	trainSteps = 1000 // of the noise schedule
	timeBumps  = 64   // radial basis functions over the time
)

// denoise maps noisy latents [n, C, h, w], training steps time [n] and CLIP
// tokens context [n, T, D] to the prediction, [n, C, h, w].
//
// It is a diffusion transformer (Peebles and Xie 2023, arXiv 2212.09748) in
// which, as in U-ViT (Bao et al. 2023, arXiv 2209.12152), time and condition
// come as tokens. The CLIP's patches lie on the same grid as the latent's
// pixels, so that each of them is added where it belongs; the global token
// stands by itself. A context of zeros asks for any picture.
func (s DenoiserShape) denoise(n *nn.Net, latent, time, context *grad.Node) *grad.Node {
	batch := latent.Shape()[0]
	given := context
	context = s.scaled(context)
	x := n.Linear("latent", nn.Patches(latent, 1), s.Width)
	x = grad.Add(x, n.Linear("local", grad.Slice(context, 1, 1, s.Tokens), s.Width))
	global := n.Linear("global", grad.Slice(context, 1, 0, 1), s.Width)
	x = grad.Concat(1, grad.Reshape(n.Clock("time", time, nn.Clock{Steps: trainSteps, Bumps: timeBumps, Width: s.Width}), batch, 1, s.Width), global, x)
	x = grad.Add(x, n.Table("position", 2+s.Side*s.Side, s.Width))
	if s.Summary > 0 {
		summary := n.LinearFrom("summary.out", s.summaryHidden(n, given), s.Summary*s.Width, nn.Zeros)
		x = grad.Concat(1, x, grad.Reshape(summary, batch, s.Summary, s.Width))
	}
	x = n.Norm("norm", n.Transformer("layers", x, nil, s.Layers))
	return nn.Unpatches(n.Linear("out", grad.Slice(x, 1, 2, 2+s.Side*s.Side), s.Channels), 1)
}

// scaled makes elements of unit vectors, which are small, as large as others.
func (s DenoiserShape) scaled(context *grad.Node) *grad.Node {
	return grad.Scale(context, float32(math.Sqrt(float64(s.Dim))))
}

// summaryMean is the parameter that is taken from all elements of a context before they are
// summarised. It begins with their mean.
const summaryMean = "summary.mean"

// summaryIn is the layer over all elements of a context.
const summaryIn = "summary.in"

// summaryPace is how fast this layer learns, compared with others. A step of AdamW has one size
// whatever the weights' size is, so that a layer learns more slowly by inputs that are as much
// smaller and weights that are as much larger. At the others' pace the layer forgot much of the
// regression that it begins with (see NOTES.md).
const summaryPace = .1

// summaryHidden returns what the summary of contexts is made of, [n, SummaryWidth]: a layer over
// all T·D elements. A transformer's layers treat all tokens alike, and regression spreads what
// scans tell of a thing over all tokens, in another direction in each.
func (s DenoiserShape) summaryHidden(n *nn.Net, context *grad.Node) *grad.Node {
	width := s.Tokens * s.Dim
	flat := grad.Reshape(s.scaled(context), context.Shape()[0], width)
	flat = grad.Sub(flat, n.Param(summaryMean, nn.Constant(0), width))
	return grad.GELU(n.Linear(summaryIn, grad.Scale(flat, summaryPace), s.SummaryWidth))
}
