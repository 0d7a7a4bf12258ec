package scan

import "engram/embed/grad"

// biMixCo is the bidirectional contrastive loss of MindEye (Scotti et al. 2023,
// arXiv 2305.18274, section 3.2) for voxels mixed by Mix. The label of sample i
// is λ_i for its own image and 1-λ_i for the image of its partner perm(i); the
// targets are not mixed.
//
//	predicted, target: [B, T·D], normalised here
//	image: [B] int64, what each sample saw; lambda: [B] float32
//	perm: [B] int64; tau: the temperature τ, a scalar
//
// Where a sample is its own partner its label is 1. (The published code
// overwrites it with 1-λ, which is 0 for a sample that is not mixed.) Where
// several samples of a batch saw one image they share its label, as they are
// right answers for each other.
func biMixCo(predicted, target *grad.Node, mix mixNodes, tau *grad.Node) *grad.Node {
	g := predicted.Graph()
	n := predicted.Shape()[0]
	same := grad.Equal(grad.Reshape(mix.image, n, 1), grad.Reshape(mix.image, 1, n))
	own := grad.Div(same, grad.Reshape(grad.Sum(same, 1), n, 1))
	lambda := grad.Reshape(mix.lambda, n, 1)
	labels := grad.Add(grad.Mul(own, lambda), grad.Mul(grad.Rows(own, mix.perm), grad.Sub(g.Const(1), lambda)))
	return bothWays(predicted, target, tau, labels, grad.Transpose(labels, 1, 0))
}

// mixNodes say how a batch of samples was mixed (see Mix).
type mixNodes struct{ image, lambda, perm *grad.Node }

// mixed returns λ_i·x_i + (1-λ_i)·x_perm(i).
func (m mixNodes) mixed(x *grad.Node) *grad.Node {
	lambda := grad.Reshape(m.lambda, m.lambda.Shape()[0], 1)
	partner := grad.Rows(x, m.perm)
	return grad.Add(partner, grad.Mul(lambda, grad.Sub(x, partner)))
}

// softCLIP is the bidirectional contrastive loss whose labels are how like the
// batch's images are to each other: softmax(T·Tᵀ/τ) (ibid., section 3.2).
func softCLIP(predicted, target, tau *grad.Node) *grad.Node {
	unit := grad.Unit(target)
	labels := grad.Softmax(grad.Div(grad.MatMulT(unit, unit), tau))
	return bothWays(predicted, target, tau, labels, labels)
}

// bothWays is the mean of two cross-entropies: of the images given the
// predictions, labels [prediction, image], and of the predictions given the
// images, back [image, prediction].
func bothWays(predicted, target, tau, labels, back *grad.Node) *grad.Node {
	logits := grad.Div(grad.MatMulT(grad.Unit(predicted), grad.Unit(target)), tau)
	forwards := grad.Mean(grad.Sum(grad.Mul(labels, grad.LogSoftmax(logits)), 1))
	backwards := grad.Mean(grad.Sum(grad.Mul(back, grad.LogSoftmax(grad.Transpose(logits, 1, 0))), 1))
	return grad.Scale(grad.Add(forwards, backwards), -.5)
}
