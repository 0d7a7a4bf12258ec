package pretrain

import (
	"fmt"
	"math"

	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/tokenizer"
)

// CLIPShape is the shape of a CLIP.
type CLIPShape struct {
	ImageSize int `json:"image_size"` // pixels a side
	Patch     int `json:"patch"`      // pixels a side
	// Stem has the channels of the convolutions before the patches, each on a grid of half
	// the side of the one before: 3 of them for patches of 8 pixels or more. None: patches
	// are of pixels.
	Stem      []int          `json:"stem,omitempty"`
	Width     int            `json:"width"` // of the image Transformer
	Image     nn.Transformer `json:"image"`
	Words     int            `json:"words"` // size of the vocabulary
	Context   int            `json:"context"`
	TextWidth int            `json:"text_width"`
	Text      nn.Transformer `json:"text"`
	Dim       int            `json:"dim"` // D, of the common space
}

// tokens returns T: the global token and one for each patch.
func (s CLIPShape) tokens() int { return 1 + (s.ImageSize/s.Patch)*(s.ImageSize/s.Patch) }

// image maps pixels [n, 3, S, S] to tokens [n, T, D]. Token 0 is the global
// one: it starts as the mean of the patches, behind a stem as the greatest of each channel, sees
// all of them in every layer, and alone is compared with texts. All tokens pass the last norm and the
// projection, as Versatile Diffusion (Xu et al. 2022, arXiv 2211.08332) takes
// them from CLIP.
func (s CLIPShape) image(n *nn.Net, pixels *grad.Node) *grad.Node {
	patches := s.patches(n, pixels)
	x := n.Linear("image.patch", patches, s.Width)
	batch := x.Shape()[0]
	global := grad.Mean(x, 1)
	if len(s.Stem) > 0 {
		global = n.Linear("image.pool", greatest(patches), s.Width)
	}
	x = grad.Concat(1, grad.Reshape(global, batch, 1, s.Width), x)
	x = grad.Add(x, n.Table("image.position", s.tokens(), s.Width))
	x = n.Norm("image.norm", n.Transformer("image", x, nil, s.Image))
	return n.Linear("image.project", x, s.Dim)
}

// patches cuts images into patches, [n, T-1, elements]. With a stem they are patches of what
// convolutions make of the pixels, so that a thing looks the same wherever the patches' borders
// cross it, and small shapes are learned from fewer pictures (Xiao et al. 2021, arXiv
// 2106.14881). From the second grid on a residual convolution follows.
func (s CLIPShape) patches(n *nn.Net, pixels *grad.Node) *grad.Node {
	x := pixels
	for i, channels := range s.Stem {
		name := fmt.Sprintf("image.stem.%d", i)
		x = grad.ReLU(n.Convolution(name+".in", nn.SpaceToDepth(x, 2), channels, math.Sqrt2))
		if i > 0 {
			x = grad.ReLU(grad.Add(x, n.Convolution(name+".residual", x, channels, .5)))
		}
	}
	return nn.Patches(x, s.Patch>>len(s.Stem))
}

// greatest is a smooth maximum of each channel over the patches: [n, T-1, C] becomes [n, C]. A
// thing fills a few patches of a picture, and a mean over all of them hardly changes with it.
func greatest(patches *grad.Node) *grad.Node {
	const sharpness = 2
	x := grad.Transpose(patches, 0, 2, 1)
	return grad.Sum(grad.Mul(grad.Softmax(grad.Scale(x, sharpness)), x), 2)
}

// text maps ids [n, context], padded with tokenizer.Padding, to embeddings [n, D]:
// the projected mean of the words, which all see each other.
func (s CLIPShape) text(n *nn.Net, ids *grad.Node) *grad.Node {
	g := n.Graph()
	batch := ids.Shape()[0]
	padding := grad.Equal(ids, g.Ints([]int64{tokenizer.Padding}, 1))
	const never = -1e4 // a logit whose softmax is 0
	mask := grad.Reshape(grad.Scale(padding, never), batch, 1, 1, s.Context)
	x := grad.Rows(n.Table("text.word", s.Words, s.TextWidth), ids)
	x = grad.Add(x, n.Table("text.position", s.Context, s.TextWidth))
	x = n.Norm("text.norm", n.Transformer("text", x, mask, s.Text))
	said := grad.Reshape(grad.Sub(g.Const(1), padding), batch, s.Context, 1)
	// The small number keeps a text without words finite.
	x = grad.Div(grad.Sum(grad.Mul(x, said), 1), grad.Add(grad.Sum(said, 1), g.Const(1e-6)))
	return n.Linear("text.project", x, s.Dim)
}

// The temperature 1/scale is learned within 1/100…1, as in CLIP, and starts at
// .07.
const (
	maxScale   = 100
	firstScale = 1 / .07
)

// scale returns the factor of the logits, [1].
func (s CLIPShape) scale(n *nn.Net) *grad.Node {
	share := (firstScale - 1) / (maxScale - 1)
	logit := n.Param("scale", nn.Constant(math.Log(share/(1-share))), 1)
	return grad.Add(grad.Scale(grad.Sigmoid(logit), maxScale-1), n.Graph().Const(1))
}

// contrast is the symmetric cross-entropy of Radford et al. 2021 (arXiv
// 2103.00020, figure 3) for image, text [B, D] and scale [1]. Pairs whose
// meaning [B] is the same are right answers for each other, with equal shares.
func contrast(image, text, scale, meaning *grad.Node) *grad.Node {
	b := meaning.Shape()[0]
	same := grad.Equal(grad.Reshape(meaning, b, 1), grad.Reshape(meaning, 1, b))
	labels := grad.Div(same, grad.Reshape(grad.Sum(same, 1), b, 1))
	// Sameness is symmetric, so that the labels serve both ways.
	logits := grad.Mul(grad.MatMulT(grad.Unit(image), grad.Unit(text)), scale)
	forwards := grad.Mean(grad.Sum(grad.Mul(labels, grad.LogSoftmax(logits)), 1))
	backwards := grad.Mean(grad.Sum(grad.Mul(labels, grad.LogSoftmax(grad.Transpose(logits, 1, 0))), 1))
	return grad.Scale(grad.Add(forwards, backwards), -.5)
}
