// Package scan maps fMRI voxels into the embedding space of the images that a
// person saw.
//
// Trials are the rows of a float32 matrix, [trials, voxels]; what was seen is
// given as one row of targets for each image, [images, T·D], and the image of
// each trial.
//
// # The decoder
//
// Train fits a decoder of a preset (see Config). Raw voxels are z-scored by the
// statistics of the training trials. The ridge is a linear regression onto the
// principal components of the targets, solved in closed form, with its penalty
// chosen by leaving images out. The network is MindEye's (Scotti et al. 2023,
// arXiv 2305.18274): residual layers that are trained by gradient with BiMixCo for
// the first third of the epochs and SoftCLIP after, AdamW and a one-cycle
// schedule. The presets linear, whitened, gains and gaussian have the ridge alone, and
// mindeye1 the network alone. In compact a small network reads the ridge's scores, and
// its output is added to them, each multiplied by a gain of its own. The preset auto
// takes gaussian, unless another one is clearly better at identifying training images
// that it was fitted without.
//
// A refinement (refined, refined-network, contrastive) begins at a closed form and is
// trained to tell the seen image from all other training images, for as long as
// left-out images are found better. A network's loss can be chosen, see Losses: an
// ablation compares them.
//
// # The metric
//
// A decoder names how its predictions are compared with images: Decoder.Metric. Pearson's
// r of the tokens, the cosine of weighted scores and the likelihood of the scores given
// an image are all one linear map of an image's tokens, one of the prediction, an inner
// product, and an offset of the image.
//
// Where there are components, predictions and losses live in their space, where
// the cosine of two score vectors is the cosine of their tokens. So an epoch costs
// the same for one token as for 257, and for any number of voxels. The network is
// trained on the ridge's predictions for trials that it was not fitted on. Its
// predictions for its own training trials are far too good, and the network would
// learn to trust them.
//
// # No leakage
//
// Everything that a decoder knows comes from the trials that it was given and
// the images that they saw: statistics, components, penalty, mean.
// KFoldByImage divides trials so that no image is on both sides;
// CrossValidate trains one decoder for each fold.
//
// # Checkpoints
//
// Everything random of an epoch is drawn from the seed and the epoch's number.
// A training that is stopped and goes on from its checkpoint (Options.Checkpoint)
// therefore ends in the same weights, bit for bit, as one that ran through. The
// checkpoint is a safetensors file of the parameters and their moments, with
// options, losses and a hash of the data beside them; a training of other options
// or data refuses it.
//
// # The decoder's folder
//
// Model.Save writes a model of kind decoder:
//
//	bundle.json          sizes, the target space's fingerprint, checksums
//	decoder.onnx         voxels as measured → tokens, what Open serves
//	config.json          the Config
//	weights.safetensors  every array of the Config by its name
//
// Open takes models made elsewhere too: bundle.json and an ONNX file are enough.
// FORMAT.md describes all files.
//
// # The parts
//
// FitZScore, FitRidge, SoftTemperature and DrawMix are what Train is made of,
// each usable alone. Trials lets several trainings on the same scans, to other targets,
// share the work that the voxels alone decide.
package scan
