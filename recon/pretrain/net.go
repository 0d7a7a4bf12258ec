package pretrain

import (
	"engram/embed/grad"
	"engram/embed/nn"
)

// newNet returns an empty network. All models are made of transformer layers.
func newNet() *nn.Net { return nn.New(nn.TransformerStyle()) }

// fromBytes turns pictures as they are drawn, x [n, S, S, 3] bytes, into what
// models take: [n, 3, S, S] in -1…1 (see preprocess).
func fromBytes(x *grad.Node) *grad.Node {
	x = grad.Scale(grad.Float(grad.Transpose(x, 0, 3, 1, 2)), 2./255)
	return grad.Sub(x, x.Graph().Const(1))
}
