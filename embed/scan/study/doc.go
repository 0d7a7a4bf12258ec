// Package study compares the presets of decoders over levels of noise, numbers of
// training images and seeds.
//
// A Design names the levels. Each combination is a Cell: from the images of a data
// set the seed draws test images, and others to train on; every preset is trained on
// the same trials and identifies the test images among each other. Noise above the
// data's own is taken from the data: Noisy adds deviations of other images' trials
// from their means, so that it is shared among voxels as the data's own is.
//
// An ablation compares the parts of a decoder: Ablate tests each preset against the one
// above it and against the best, on the same scans. Where several subjects are compared
// they are the units of intervals, else seeds are.
//
// Run keeps each cell on disk when it is done, so that a study that was interrupted
// goes on. Summarise turns cells into rows with confidence intervals over seeds, and
// with paired differences from a baseline. Constants of decoders come from such
// tables; figures that are reported come from other subjects.
package study
