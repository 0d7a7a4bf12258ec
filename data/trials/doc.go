// Package trials reads the text table that says what a subject saw at each
// volume of a scan: one line a volume, with the label and the number of the
// run, as PyMVPA keeps them beside an image.
//
// A NIfTI image has no place for this, so that image and table together, row
// by row, are what a decoder is trained on.
package trials
