package nn

import (
	"fmt"
	"math"

	"engram/embed/grad"
)

// Transformer is a stack of pre-norm transformer blocks (Vaswani et al. 2017, arXiv
// 1706.03762; the norm first: Xiong et al. 2020, arXiv 2002.04745).
type Transformer struct {
	Layers int `json:"layers"`
	Heads  int `json:"heads"`
}

// Transformer runs the blocks on x, [n, tokens, width]. mask, [n, 1, 1, tokens] or
// nil, is added to the logits of every attention.
func (n *Net) Transformer(name string, x, mask *grad.Node, t Transformer) *grad.Node {
	// Each block adds two branches to x. Scaled like this the sum of all has
	// about the standard deviation of one (as in GPT-2).
	a := Attention{Heads: t.Heads, Mask: mask, Gain: 1 / math.Sqrt(2*float64(t.Layers))}
	for i := range t.Layers {
		block := fmt.Sprintf("%s.%d", name, i)
		x = grad.Add(x, n.Attention(block+".attention", n.Norm(block+".norm1", x), a))
		x = grad.Add(x, n.MLP(block+".mlp", n.Norm(block+".norm2", x), 4*lastOf(x), a.Gain))
	}
	return x
}

// Attention is multi-head self-attention (Vaswani et al. 2017, section 3.2).
type Attention struct {
	Heads int
	Mask  *grad.Node // [n, 1, 1, tokens], added to the logits; nil for none
	Gain  float64    // at first, the outputs' standard deviation over the values'
}

// Attention applies multi-head attention to x, [n, tokens, width], whose width the number of
// heads divides.
func (n *Net) Attention(name string, x *grad.Node, a Attention) *grad.Node {
	shape := x.Shape()
	batch, tokens, width := shape[0], shape[1], shape[2]
	dim := width / a.Heads
	heads := func(part string) *grad.Node {
		return grad.Reshape(n.Linear(name+"."+part, x, width), batch, tokens, a.Heads, dim)
	}
	q := grad.Transpose(grad.Scale(heads("query"), float32(1/math.Sqrt(float64(dim)))), 0, 2, 1, 3)
	k := grad.Transpose(heads("key"), 0, 2, 3, 1)
	v := grad.Transpose(heads("value"), 0, 2, 1, 3)
	logits := grad.MatMul(q, k)
	if a.Mask != nil {
		logits = grad.Add(logits, a.Mask)
	}
	joined := grad.Reshape(grad.Transpose(grad.MatMul(grad.Softmax(logits), v), 0, 2, 1, 3), batch, tokens, width)
	return n.LinearFrom(name+".out", joined, width, ScaledNormal(a.Gain))
}
