// Package train runs the training of a network: epochs of grad.Epoch whose
// inputs are drawn ahead, a learning rate that follows OneCycle, a checkpoint
// from which a stopped training goes on, scores every few epochs, and progress.
// A Loop is all of it; whoever trains a network gives its losses and its inputs.
//
// Everything random of an epoch has to come from a seed and the epoch's number.
// Then equal loops give equal weights on one machine, bit for bit, whether the
// training was stopped in between or not.
//
// The file of a Checkpoint is described in FORMAT.md.
package train
