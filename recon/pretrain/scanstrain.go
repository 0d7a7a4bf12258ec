package pretrain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"engram/data/half"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
)

// scansNetwork is the denoiser, trained further on the tokens that decoders predict of scans of
// other images than they were fitted to. Regression shrinks its predictions where scans tell
// little, and a denoiser that has seen true tokens alone takes that for a property of the image.
// What scans do tell, such as the kind of a thing, lies in directions across all tokens, which
// the summary reads (see NOTES.md).
type scansNetwork struct {
	denoiserNetwork
	scans    Simulation
	folder   string // of checkpoints, "" for none
	session  ort.SessionOptions
	progress progress.Func
	pairs    []*pairs // of each subject
}

const (
	// trueShare is the share of contexts that are true tokens, so that the denoiser keeps
	// what it knows of them. A share of .15 lost much of it (see NOTES.md).
	trueShare = .3
	// kindWeight is the weight of naming the kinds in the loss. With .05 a summary that began
	// with random weights named a kind in 50 % (see NOTES.md).
	kindWeight = .2
	// heldShare is which share of each subject's images is held out, the last ones.
	heldShare = 16
)

// thingWeight is what the errors of latent pixels on which a thing stands count more than
// others. Things fill a twelfth of a picture, and are what it is of.
const thingWeight = 4

// weightsName is the leaf that says what the errors of each latent pixel count, [B, 1, h, w].
const weightsName = "weights"

// kindsName is the leaf that says which kinds are in a picture, [B, kinds], in equal shares; zeros
// where there is no context to know it from.
const kindsName = "kinds"

// openScans makes the pairs of all subjects and begins with the denoiser in out.
func (t *training) openScans(ctx context.Context, scale Scale, out string, frozen *teachers) error {
	m, err := model.Open(filepath.Join(out, string(Denoiser)))
	if err != nil {
		return fmt.Errorf("pretrain: the denoiser that learns from scans is trained before: %w", err)
	}
	if t.from, err = weightsOf(m.GraphPath("denoiser")); err != nil {
		return err
	}
	base, err := t.denoiserNetwork(scale, frozen, scale.ScansRecipe)
	if err != nil {
		return err
	}
	base.shape.Summary, base.shape.SummaryWidth = scale.Summary, scale.SummaryWidth
	n := &scansNetwork{
		denoiserNetwork: *base, scans: scale.Scans, folder: t.opts.Checkpoint, session: t.opts.Session, progress: t.opts.Progress,
	}
	t.about.Depends = append(t.about.Depends, m.Fingerprint())
	t.start(n, struct {
		DenoiserShape
		Scans Simulation `json:"scans"`
	}{n.shape, n.scans}, n.recipe)
	report := t.opts.Progress.Stage("simulating subjects", "subjects", int64(n.scans.Subjects))
	for i := range n.scans.Subjects {
		p, err := n.pairsOf(ctx, t.opts.Seed+subjectSeed+uint64(i))
		if err != nil {
			return fmt.Errorf("pretrain: subject %d: %w", i, err)
		}
		n.pairs = append(n.pairs, p)
		report(int64(i+1), int64(n.scans.Subjects))
	}
	switch _, err := os.Stat(t.checkpoint().Path); {
	case err == nil:
		return nil // the checkpoint has a summary
	case t.opts.Checkpoint == "" || errors.Is(err, fs.ErrNotExist):
		return t.beginSummary(ctx, n)
	default:
		return fmt.Errorf("pretrain: checkpoint: %w", err)
	}
}

// mean returns the mean of all predictions as the summary sees them, [T·D].
func (d *scansNetwork) mean() []float32 {
	sums := make([]float64, d.shape.Tokens*d.shape.Dim)
	rows := 0
	for _, p := range d.pairs {
		for i, bits := range p.predicted {
			sums[i%len(sums)] += float64(half.Float32(bits))
		}
		rows += len(p.scenes)
	}
	out := make([]float32, len(sums))
	for k, s := range sums {
		out[k] = float32(s / float64(rows) * math.Sqrt(float64(d.shape.Dim)))
	}
	return out
}

// loss is the denoiser's with the weights of things, and the cross-entropy of the kinds that the summary tells.
func (d *scansNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, s := n.Graph(), d.shape
	contexts := g.Step(contextName, onnx.Float, batch, s.Tokens, s.Dim)
	kinds := len(scenes.Kinds())
	likely := grad.LogSoftmax(n.Linear(kindsName, s.summaryHidden(n, contexts), kinds))
	named := grad.Mean(grad.Sum(grad.Mul(g.Step(kindsName+".right", onnx.Float, batch, kinds), likely), 1))
	weighted := grad.Mul(d.squares(n, contexts), g.Step(weightsName, onnx.Float, batch, 1, s.Side, s.Side))
	return grad.Sub(grad.Mean(weighted), grad.Scale(named, kindWeight))
}

// inputs draws pairs of all subjects.
func (d *scansNetwork) inputs(_ context.Context, epoch int) (ort.Tensors, error) {
	n := d.recipe.Steps * d.recipe.Batch
	rng := rand.New(rand.NewPCG(d.seed, uint64(epoch)))
	width, size := d.shape.Tokens*d.shape.Dim, d.shape.Channels*d.shape.Side*d.shape.Side
	latents, tokens := make([]float32, n*size), make([]float32, n*width)
	shown := make([]*scenes.Scene, n)
	for i := range n {
		p := d.pairs[rng.IntN(len(d.pairs))]
		at := rng.IntN(p.trained())
		from := p.predicted
		if rng.Float64() < trueShare {
			from = p.seen
		}
		widen(tokens[i*width:][:width], from[at*width:])
		copy(latents[i*size:][:size], p.latents[at*size:])
		shown[i] = &p.scenes[at]
	}
	in, empty := d.noised(latents, tokens, rng)
	kinds, pixels := scenes.Kinds(), d.shape.Side*d.shape.Side
	right, weights := make([]float32, n*len(kinds)), make([]float32, n*pixels)
	for i, s := range shown {
		weigh(s, d.shape.Side, weights[i*pixels:][:pixels])
		if empty[i] {
			continue
		}
		places := placesOf(kinds, s)
		for _, k := range places {
			right[i*len(kinds)+k] = 1 / float32(len(places))
		}
	}
	steps, batch, side := int64(d.recipe.Steps), int64(d.recipe.Batch), int64(d.shape.Side)
	in[kindsName+".right"] = &ort.Tensor{Shape: []int64{steps, batch, int64(len(kinds))}, Data: right}
	in[weightsName] = &ort.Tensor{Shape: []int64{steps, batch, 1, side, side}, Data: weights}
	return in, nil
}

// weigh writes what the errors of a scene's latent pixels count.
func weigh(s *scenes.Scene, side int, weights []float32) {
	for i := range weights {
		weights[i] = 1
		for _, t := range s.Things {
			if within(t.Box, 1, side, i) {
				weights[i] = thingWeight
			}
		}
	}
}

// trained returns how many of the images are trained on, the first ones.
func (p *pairs) trained() int { return len(p.scenes) - len(p.scenes)/heldShare }

// widen writes numbers in half precision to dst.
func widen(dst []float32, bits []uint16) {
	for i := range dst {
		dst[i] = half.Float32(bits[i])
	}
}

// score is the denoiser's for true tokens of held-out scenes and for predictions of scans of the
// first subject's held-out scenes.
func (d *scansNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
	figures, err := d.denoiserNetwork.score(ctx, models, last)
	if err != nil {
		return nil, err
	}
	p := d.pairs[0]
	width := d.shape.Tokens * d.shape.Dim
	first := p.trained()
	n := min(d.held, len(p.scenes)-first)
	if !last {
		n = min(n, scoreBatch)
	}
	predicted, seen := make([]float32, n*width), make([]float32, n*width)
	widen(predicted, p.predicted[first*width:])
	widen(seen, p.seen[first*width:])
	of, err := d.identified(ctx, models, predicted, seen)
	for i := range of {
		of[i].Name = "from scans: " + of[i].Name
	}
	return append(figures, of...), err
}
