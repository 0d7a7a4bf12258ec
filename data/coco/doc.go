// Package coco reads the annotations of COCO: captions_*.json and
// instances_*.json of one split, merged by image.
//
// The files are read as streams. Of the 470 MB of instances_train2017.json
// only names, boxes and areas are kept; the outlines, which are most of it, are
// passed over.
//
// Labelling tools write the format with many a deviation. A record that is odd
// costs itself and nothing around it, and Dataset.Odd lists it with its place.
//
// The format is described in https://cocodataset.org/#format-data.
package coco
