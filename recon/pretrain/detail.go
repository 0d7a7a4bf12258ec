package pretrain

import (
	"fmt"
	"math"

	"engram/embed/grad"
	"engram/embed/nn"
)

// stem convolves pixels [n, 3, S, S] on ever coarser grids, across the patches' borders, and
// returns its last grid's pixels for each latent pixel, [n, (S/p)², elements].
func (s AutoencoderShape) stem(n *nn.Net, pixels *grad.Node) *grad.Node {
	x := pixels
	for i, channels := range s.Stem {
		x = level(n, fmt.Sprintf("encoder.stem.%d", i), nn.SpaceToDepth(x, 2), channels)
	}
	return nn.Patches(x, s.left())
}

// left returns how many pixels of the stem's last grid are one latent pixel, a side.
func (s AutoencoderShape) left() int { return s.Patch >> len(s.Stem) }

// level convolves x twice on one grid, [n, C, S, S] → [n, channels, S, S]. The second
// convolution is residual: its result is added to the first one's.
func level(n *nn.Net, name string, x *grad.Node, channels int) *grad.Node {
	x = grad.ReLU(n.Convolution(name+".in", x, channels, math.Sqrt2))
	return grad.ReLU(grad.Add(x, n.Convolution(name+".residual", x, channels, .5)))
}

// paint maps latent pixels with details to pixels [n, 3, S, S]. Transformers paint patches,
// a linear map of the details corrects them, and convolutions on ever finer grids add what
// crosses the patches' borders.
func (s AutoencoderShape) paint(n *nn.Net, latent *grad.Node) *grad.Node {
	coarse, details := s.parts(latent)
	x := grad.Add(n.Linear("decoder.latent", coarse, s.Width), n.LinearFrom("decoder.detail.in", details, s.Width, nn.Zeros))
	x = s.decoded(n, x)
	patches := s.patches(n, x)
	known := grad.Concat(2, details, patches)
	patches = grad.Add(patches, n.LinearFrom("decoder.detail", known, 3*s.Patch*s.Patch, nn.Zeros))

	last, left := len(s.Stem)-1, s.left()
	x = nn.Unpatches(n.Linear("decoder.stem.patch", grad.Concat(2, x, details), s.Stem[last]*left*left), left)
	for i := last; i >= 0; i-- {
		x = level(n, fmt.Sprintf("decoder.stem.%d", i), x, s.Stem[i])
		if i > 0 {
			x = nn.DepthToSpace(x, 2)
		}
	}
	out := nn.DepthToSpace(n.Convolution("decoder.stem.out", x, 3*2*2, .02), 2)
	return grad.Add(nn.Unpatches(patches, s.Patch), out)
}

// parts undoes what encode does to latent pixels last: it returns their channels that are not
// details, normalised on their own, and the details in the same measure.
func (s AutoencoderShape) parts(latent *grad.Node) (coarse, details *grad.Node) {
	shape := latent.Shape()
	n, pixels := shape[0], shape[1]
	coarse = grad.Slice(latent, 2, 0, s.Channels)
	mean := grad.Reshape(grad.Mean(coarse, 2), n, pixels, 1)
	off := grad.Sub(coarse, mean)
	variance := grad.Reshape(grad.Mean(grad.Mul(off, off), 2), n, pixels, 1)
	scale := grad.Sqrt(grad.Add(variance, latent.Graph().Const(nn.NormEpsilon)))
	return grad.Div(off, scale), grad.Div(grad.Sub(grad.Slice(latent, 2, s.Channels, s.latents()), mean), scale)
}
