package scan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"engram/embed/grad"
	"engram/embed/onnx"
)

// normEps is added to the variance in every LayerNorm, as PyTorch does.
const normEps = 1e-5

// layers builds a decoder's layers in one graph. Parameters are shared by name,
// so that a layer may be applied twice.
type layers struct {
	config Config
	graph  *grad.Graph
	params map[string]*grad.Node
	seed   *grad.Node // of the dropout masks; nil switches dropout off
}

func newLayers(c Config) *layers {
	return &layers{config: c, graph: grad.NewGraph(), params: map[string]*grad.Node{}}
}

// param returns a trained array. All decay but biases, as in MindEye.
func (l *layers) param(name string, shape ...int) *grad.Node {
	if l.params[name] == nil {
		l.params[name] = l.graph.Param(name, !strings.HasSuffix(name, ".bias"), shape...).Node()
	}
	return l.params[name]
}

// linear is x·W + b, with W [in, out].
func (l *layers) linear(x *grad.Node, name string, out int) *grad.Node {
	shape := x.Shape()
	y := grad.MatMul(x, l.param(name+".weight", shape[len(shape)-1], out))
	return grad.Add(y, l.param(name+".bias", out))
}

// norm is LayerNorm over the last axis.
func (l *layers) norm(x *grad.Node, name string) *grad.Node {
	shape := x.Shape()
	n := shape[len(shape)-1]
	return grad.LayerNorm(x, l.param(name+".norm.gain", n), l.param(name+".norm.bias", n), normEps)
}

// dense is a layer of MindEye's backbone: Linear, LayerNorm, GELU, Dropout.
func (l *layers) dense(x *grad.Node, name string, dropout float32) *grad.Node {
	y := grad.GELU(l.norm(l.linear(x, name, l.config.Width), name))
	if l.seed == nil {
		return y
	}
	return grad.Dropout(y, dropout, l.seed)
}

// hidden is the network up to its last hidden layer: [B, inputs] → [B, Width].
func (l *layers) hidden(x *grad.Node) *grad.Node {
	h := l.dense(x, "input", l.config.DropoutIn)
	for i := range l.config.Blocks {
		h = grad.Add(h, l.dense(h, fmt.Sprintf("block.%d", i), l.config.DropoutBlock))
	}
	return h
}

// scores is the prediction in the space of the targets' components, [B, Rank]:
// the ridge's standardised scores, [B, Rank], each with a trained gain, plus what
// the network makes of all of them.
func (l *layers) scores(ridge *grad.Node) *grad.Node {
	gain := grad.Exp(l.param(gainName, l.config.Rank))
	return grad.Add(grad.Mul(ridge, gain), l.linear(l.hidden(ridge), "output", l.config.Rank))
}

// refined is the prediction from the ridge's scores, [B, Rank], by gains and
// network, [B, T·D]. Of several tokens the first stays what the ridge makes it in
// tokens: an index is searched by it alone, and scores that are weighted to tell
// all tokens of images apart find less by one.
func (l *layers) refined(tokens, ridge, basis *grad.Node) *grad.Node {
	c := l.config
	out := grad.MatMul(l.scores(grad.Mul(ridge, l.param(ridgeScale, c.Rank))), basis)
	if c.T == 1 {
		return out
	}
	return grad.Concat(1, grad.Slice(tokens, 1, 0, c.D), grad.Slice(out, 1, c.D, c.outputs()))
}

// backbone is the prediction of a network without components: [B, V] → [B, T·D].
func (l *layers) backbone(voxels *grad.Node) *grad.Node {
	return l.linear(l.hidden(voxels), "output", l.config.outputs())
}

// project applies the projector that all tokens share, [B, T·D] → [B, T·D]
// (MindEye's retrieval head): LN → GELU → D→P → LN → GELU → P→P → LN → GELU → P→D.
func (l *layers) project(backbone *grad.Node) *grad.Node {
	c := l.config
	if c.Projector == 0 {
		return backbone
	}
	batch := backbone.Shape()[0]
	x := grad.Reshape(backbone, batch, c.T, c.D)
	for i, out := range []int{c.Projector, c.Projector, c.D} {
		name := fmt.Sprintf("projector.%d", i)
		x = l.linear(grad.GELU(l.norm(x, name)), name, out)
	}
	return grad.Reshape(x, batch, c.outputs())
}

// initialise fills parameters with what training starts from: gains 1, those of
// the ridge their logarithms in gains, weights
// and biases of a layer with n inputs uniform in ±1/√n as PyTorch's Linear, and
// the last layer of a network beside a ridge zero, so that training starts at
// the ridge.
func (c Config) initialise(seed uint64, gains []float32) func(p *grad.Param, values []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	inputs := 1.0 // of the layer whose weight came last: its bias follows
	return func(p *grad.Param, values []float32) {
		switch {
		case strings.HasSuffix(p.Name, ".norm.gain"):
			for i := range values {
				values[i] = 1
			}
			return
		case p.Name == gainName:
			copy(values, gains)
			return
		case strings.HasSuffix(p.Name, ".norm.bias"),
			c.Rank > 0 && strings.HasPrefix(p.Name, "output."):
			return
		case strings.HasSuffix(p.Name, ".weight"):
			inputs = float64(p.Shape[0])
		}
		bound := 1 / math.Sqrt(inputs)
		for i := range values {
			values[i] = float32(bound * (2*rng.Float64() - 1))
		}
	}
}

// Names of the decoder's inputs and outputs, and of the constants in its
// weights that are not trained by gradient.
const (
	voxelsName = "voxels"
	tokensName = "tokens"

	meanName    = "voxels.mean"    // [V], see ZScore
	scaleName   = "voxels.scale"   // [V]
	ridgeWeight = "ridge.weight"   // [V, Rank]: z-scored voxels → scores
	ridgeBias   = "ridge.bias"     // [Rank]
	ridgeScale  = "ridge.scale"    // [Rank], what standardises the scores before a network
	gainName    = "ridge.log_gain" // [Rank]
	basisName   = "target.basis"   // [Rank, T·D]: scores → tokens less their mean
	targetMean  = "target.mean"    // [T·D]
)

// serving returns the graph of the whole decoder: raw voxels, [n, V], to tokens
// in the target space, [n, T, D] (or [n, D] where T is 1).
func (c Config) serving() (*layers, *grad.Node) {
	l := newLayers(c)
	raw := l.graph.Data(voxelsName, onnx.Float, grad.Batch, c.Voxels)
	x := grad.Mul(grad.Sub(raw, l.param(meanName, c.Voxels)), l.param(scaleName, c.Voxels))
	var tokens *grad.Node
	if c.Rank > 0 {
		ridge := grad.Add(grad.MatMul(x, l.param(ridgeWeight, c.Voxels, c.Rank)), l.param(ridgeBias, c.Rank))
		basis := l.param(basisName, c.Rank, c.outputs())
		tokens = grad.MatMul(ridge, basis)
		if c.Width > 0 {
			tokens = l.refined(tokens, ridge, basis)
		}
	} else {
		tokens = l.backbone(x)
	}
	tokens = l.project(tokens)
	if c.Rank > 0 {
		tokens = grad.Add(tokens, l.param(targetMean, c.outputs()))
	}
	if c.T > 1 {
		tokens = grad.Reshape(tokens, grad.Batch, c.T, c.D)
	}
	return l, tokens
}

// parameters lists the arrays that a decoder of this shape consists of.
func (c Config) parameters() []*grad.Param {
	l, _ := c.serving()
	return slices.Clone(l.graph.Params())
}
