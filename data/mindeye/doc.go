// Package mindeye reads and writes scans in the layout of MindEye: webdataset
// tars in which a sample is an image and the scans of the trials that showed it.
//
// A sample's files follow each other in the tar and share their name up to the
// first dot:
//
//	sample000007482.jpg             the image, JPEG or PNG
//	sample000007482.nsdgeneral.npy  voxels, [repeats, V], three repeats
//	sample000007482.trial.npy       numbers of the trials
//	sample000007482.coco73k.npy     number of the image among NSD's 73,000
//	sample000007482.num_uniques.npy how many of the repeats differ
//
// An image that was seen once or twice has copies of its scans as further
// repeats. Other files of a sample are passed over. The tars of a subject lie in
// the folders train, val and test, see Tars. The file metadata_subj01.json beside
// these folders says how many samples each split has.
//
// The data set pscotti/naturalscenesdataset has this layout, and the loader
// utils.get_dataloaders in MedARC-AI/fMRI-reconstruction-NSD reads it. Neither
// says which types the arrays have: any numeric type is read; voxels are written
// as float32, numbers as int64.
package mindeye
