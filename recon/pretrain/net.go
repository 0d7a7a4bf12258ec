package pretrain

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"engram/embed/grad"
)

// net builds a network out of transformer layers. Every layer is named, its
// parameters are named after it, and equal names and shapes make two nets that
// share weights: the one that is trained and the one that is served.
type net struct {
	graph  *grad.Graph
	starts map[string]start
}

// start is the normal distribution that a parameter is drawn from at first.
type start struct{ mean, deviation float64 }

// tableDeviation is the deviation of learned positions and words at first, as
// in CLIP (Radford et al. 2021, arXiv 2103.00020, published code).
const tableDeviation = .02

// epsilon is added to the variance in layer normalisations.
const epsilon = 1e-5

func newNet() *net {
	return &net{graph: grad.NewGraph(), starts: map[string]start{}}
}

// initialise returns the function that draws a parameter's first values. They
// depend on the seed and the parameter's name alone.
func (n *net) initialise(seed uint64) func(*grad.Param, []float32) {
	return func(p *grad.Param, values []float32) {
		name := fnv.New64a()
		name.Write([]byte(p.Name))
		rng := rand.New(rand.NewPCG(seed, name.Sum64()))
		s := n.starts[p.Name]
		for i := range values {
			values[i] = float32(s.mean + s.deviation*rng.NormFloat64())
		}
	}
}

// matrix is a parameter that weight decay applies to.
func (n *net) matrix(name string, deviation float64, shape ...int) *grad.Node {
	n.starts[name] = start{deviation: deviation}
	return n.graph.Param(name, true, shape...).Node()
}

// vector is a parameter without weight decay, all of one value at first.
func (n *net) vector(name string, value float64, shape ...int) *grad.Node {
	n.starts[name] = start{mean: value}
	return n.graph.Param(name, false, shape...).Node()
}

// table is a learned array of rows vectors: positions or words.
func (n *net) table(name string, rows, width int) *grad.Node {
	n.starts[name] = start{deviation: tableDeviation}
	return n.graph.Param(name, false, rows, width).Node()
}

// linear returns x·W + b for x [..., in]. Outputs have about gain times the
// deviation of the inputs at first.
func (n *net) linear(name string, x *grad.Node, out int, gain float64) *grad.Node {
	shape := x.Shape()
	in := shape[len(shape)-1]
	w := n.matrix(name+".weight", gain/math.Sqrt(float64(in)), in, out)
	return grad.Add(grad.MatMul(x, w), n.vector(name+".bias", 0, out))
}

// norm is a layer normalisation.
func (n *net) norm(name string, x *grad.Node) *grad.Node {
	shape := x.Shape()
	width := shape[len(shape)-1]
	return grad.LayerNorm(x, n.vector(name+".gain", 1, width), n.vector(name+".bias", 0, width), epsilon)
}

// Transformer is a stack of pre-norm blocks (Vaswani et al. 2017, arXiv
// 1706.03762; the norm first: Xiong et al. 2020, arXiv 2002.04745).
type Transformer struct {
	Layers int `json:"layers"`
	Heads  int `json:"heads"`
}

// apply runs the blocks on x [n, tokens, width]. mask, [n, 1, 1, tokens] or
// nil, is added to every attention's logits.
func (t Transformer) apply(n *net, name string, x, mask *grad.Node) *grad.Node {
	// Each block adds two branches to x. Scaled like this the sum of all has
	// about the deviation of one (as in GPT-2).
	gain := 1 / math.Sqrt(2*float64(t.Layers))
	for i := range t.Layers {
		block := fmt.Sprintf("%s.%d", name, i)
		x = grad.Add(x, t.attention(n, block+".attention", n.norm(block+".norm1", x), mask, gain))
		x = grad.Add(x, perceptron(n, block+".mlp", n.norm(block+".norm2", x), gain))
	}
	return x
}

// attention is multi-head self-attention on x [n, tokens, width].
func (t Transformer) attention(n *net, name string, x, mask *grad.Node, gain float64) *grad.Node {
	shape := x.Shape()
	batch, tokens, width := shape[0], shape[1], shape[2]
	dim := width / t.Heads
	heads := func(part string) *grad.Node {
		return grad.Reshape(n.linear(name+"."+part, x, width, 1), batch, tokens, t.Heads, dim)
	}
	q := grad.Transpose(grad.Scale(heads("query"), float32(1/math.Sqrt(float64(dim)))), 0, 2, 1, 3)
	k := grad.Transpose(heads("key"), 0, 2, 3, 1)
	v := grad.Transpose(heads("value"), 0, 2, 1, 3)
	logits := grad.MatMul(q, k)
	if mask != nil {
		logits = grad.Add(logits, mask)
	}
	joined := grad.Reshape(grad.Transpose(grad.MatMul(grad.Softmax(logits), v), 0, 2, 1, 3), batch, tokens, width)
	return n.linear(name+".out", joined, width, gain)
}

// perceptron is the two-layer network of a block, four times as wide inside.
func perceptron(n *net, name string, x *grad.Node, gain float64) *grad.Node {
	shape := x.Shape()
	width := shape[len(shape)-1]
	return n.linear(name+".out", grad.GELU(n.linear(name+".in", x, 4*width, 1)), width, gain)
}

// patches cuts images x [n, 3, S, S] into squares of p×p pixels, row by row:
// [n, (S/p)², 3·p·p], in each the channels one after the other.
func patches(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[1], shape[2]/p
	x = grad.Transpose(grad.Reshape(x, batch, channels, side, p, side, p), 0, 2, 4, 1, 3, 5)
	return grad.Reshape(x, batch, side*side, channels*p*p)
}

// unpatches undoes patches: [n, T, C·p·p] becomes [n, C, S, S] with S = √T·p.
func unpatches(x *grad.Node, p int) *grad.Node {
	shape := x.Shape()
	batch, channels, side := shape[0], shape[2]/p/p, int(math.Sqrt(float64(shape[1])))
	x = grad.Transpose(grad.Reshape(x, batch, side, side, channels, p, p), 0, 3, 1, 4, 2, 5)
	return grad.Reshape(x, batch, channels, side*p, side*p)
}

// fromBytes turns pictures as they are drawn, x [n, S, S, 3] bytes, into what
// models take: [n, 3, S, S] in -1…1 (see preprocess).
func fromBytes(x *grad.Node) *grad.Node {
	x = grad.Scale(grad.Float(grad.Transpose(x, 0, 3, 1, 2)), 2./255)
	return grad.Sub(x, x.Graph().Const(1))
}
