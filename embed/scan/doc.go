// Package scan maps fMRI voxels into the embedding space of the images that a
// person saw.
//
// Trials are the rows of a float32 matrix, [trials, voxels]. FitZScore takes
// each voxel's mean and deviation from the training trials; KFoldByImage and
// SplitByImage divide trials so that no image is on both sides. FitRidge is the
// linear decoder, the baseline that every other decoder is compared with.
// OneCycle, SoftTemperature and DrawMix are what the training of MindEye
// (Scotti et al. 2023, arXiv 2305.18274) schedules and draws.
package scan
