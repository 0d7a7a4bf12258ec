// Package nn builds networks out of named layers on the graphs of package grad:
// linear layers, layer normalisation, perceptrons, self-attention, transformers,
// and the cutting of images into patches.
//
// # Names of parameters
//
// Every layer has a name, and its parameters are named after it:
//
//	NAME.weight   matrix of a linear layer, [in, out]
//	NAME.bias     of a linear layer, [out], or of a layer normalisation
//	NAME.gain     of a layer normalisation
//
// The parts of a layer add a dot and their own name. Attention has query, key,
// value and out; a perceptron has in and out; block i of a transformer has
// NAME.i.norm1, NAME.i.attention, NAME.i.norm2 and NAME.i.mlp. Weights on disk
// have these names, so that a change of them makes files unreadable.
//
// A name stands for one parameter: a layer that is applied twice shares its
// weights. Two nets with equal names and shapes share weights as well, such as
// the one that is trained and the one that is served.
//
// # First values
//
// What parameters begin with, and which of them weight decay applies to, is a
// Style: TransformerStyle or PyTorchStyle.
package nn
