// Package coco reads the annotations of COCO: captions_*.json and
// instances_*.json of one split, merged by image.
//
// The files are read as streams. Of the 470 MB of instances_train2017.json
// only names, boxes and areas are kept; the outlines, which are most of it, are
// passed over.
//
// The format is described in https://cocodataset.org/#format-data.
package coco
