package scan

import (
	"fmt"

	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
)

// layers builds a decoder's layers in one graph.
type layers struct {
	*nn.Net
	config Config
	seed   *grad.Node // of the dropout masks; nil switches dropout off
	gains  []float32  // [Rank], logarithms that the ridge's gains begin with; nil for zeros
}

func newLayers(c Config) *layers { return &layers{Net: nn.New(nn.PyTorchStyle()), config: c} }

// dense is a layer of MindEye's backbone: Linear, LayerNorm, GELU, Dropout.
func (l *layers) dense(x *grad.Node, name string, dropout float32) *grad.Node {
	y := grad.GELU(l.Norm(name+".norm", l.Linear(name, x, l.config.Width)))
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
	gain := grad.Exp(l.Param(gainName, nn.Values(l.gains), l.config.Rank))
	return grad.Add(grad.Mul(ridge, gain), l.LinearFrom("output", l.hidden(ridge), l.config.Rank, nn.Zeros))
}

// refined is the prediction from the ridge's scores, [B, Rank], by gains and
// network, [B, T·D]. Where there are several tokens the first one stays the ridge's
// own, from tokens: an index is searched by it alone, and scores that are weighted
// to tell images apart by all tokens find fewer images by one.
func (l *layers) refined(tokens, ridge, basis *grad.Node) *grad.Node {
	c := l.config
	out := grad.MatMul(l.scores(grad.Mul(ridge, l.fixed(ridgeScale, c.Rank))), basis)
	if c.T == 1 {
		return out
	}
	return grad.Concat(1, grad.Slice(tokens, 1, 0, c.D), grad.Slice(out, 1, c.D, c.outputs()))
}

// backbone is the prediction of a network without components: [B, V] → [B, T·D].
func (l *layers) backbone(voxels *grad.Node) *grad.Node {
	return l.Linear("output", l.hidden(voxels), l.config.outputs())
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
		x = l.Linear(name, grad.GELU(l.Norm(name+".norm", x)), out)
	}
	return grad.Reshape(x, batch, c.outputs())
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

	metricItem  = "metric.item"  // [Rank, K], see Metric
	metricQuery = "metric.query" // [Rank, K]
	metricShift = "metric.shift" // [K]
	metricFixed = "metric.fixed" // [K]
	metricTrial = "metric.trial" // [K]

	firstStageWeight = "first_stage.weight" // [Rank, D], see firstStage
	firstStageBias   = "first_stage.bias"   // [D]
)

// fixed returns an array that is not trained by gradient.
func (l *layers) fixed(name string, shape ...int) *grad.Node {
	return l.Param(name, nn.Constant(0), shape...)
}

// ridge is the ridge's scores along the components, [n, Rank], from z-scored voxels, [n, V].
func (l *layers) ridge(voxels *grad.Node) *grad.Node {
	c := l.config
	return grad.Add(grad.MatMul(voxels, l.fixed(ridgeWeight, c.Voxels, c.Rank)), l.fixed(ridgeBias, c.Rank))
}

// standard returns z-scored voxels, [n, V], from raw ones, the graph's input.
func (l *layers) standard() *grad.Node {
	v := l.config.Voxels
	raw := l.Graph().Data(voxelsName, onnx.Float, grad.Batch, v)
	return grad.Mul(grad.Sub(raw, l.fixed(meanName, v)), l.fixed(scaleName, v))
}

// serving returns the graph of the whole decoder: raw voxels, [n, V], to tokens
// in the target space, [n, T, D] (or [n, D] where T is 1).
func (c Config) serving() (*layers, *grad.Node) {
	l := newLayers(c)
	x := l.standard()
	var tokens *grad.Node
	if c.Rank > 0 {
		ridge := l.ridge(x)
		basis := l.fixed(basisName, c.Rank, c.outputs())
		tokens = grad.MatMul(ridge, basis)
		if c.Width > 0 {
			tokens = l.refined(tokens, ridge, basis)
		}
	} else {
		tokens = l.backbone(x)
	}
	tokens = l.project(tokens)
	if c.Rank > 0 {
		tokens = grad.Add(tokens, l.fixed(targetMean, c.outputs()))
	}
	if c.T > 1 {
		tokens = grad.Reshape(tokens, grad.Batch, c.T, c.D)
	}
	return l, tokens
}

// scoring returns the graph of a decoder that is a ridge alone up to its scores: raw
// voxels, [n, V], to scores along the components of the targets, [n, Rank].
func (c Config) scoring() *grad.Node {
	l := newLayers(c)
	return l.ridge(l.standard())
}

// parameters lists the arrays that a decoder of this shape consists of.
func (c Config) parameters() []*grad.Param {
	l, _ := c.serving()
	params := l.Graph().Params()
	if c.FirstStage {
		params = append(params,
			&grad.Param{Name: firstStageWeight, Shape: []int{c.Rank, c.D}}, &grad.Param{Name: firstStageBias, Shape: []int{c.D}})
	}
	if !c.mapped() {
		return params
	}
	k := c.Coordinates
	params = append(params,
		&grad.Param{Name: metricItem, Shape: []int{c.Rank, k}}, &grad.Param{Name: metricQuery, Shape: []int{c.Rank, k}})
	if c.metric() == MetricLikelihood {
		for _, name := range []string{metricShift, metricFixed, metricTrial} {
			params = append(params, &grad.Param{Name: name, Shape: []int{k}})
		}
	}
	return params
}
