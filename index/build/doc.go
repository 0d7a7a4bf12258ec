// Package build fills an index from a source of images.
//
// Folder lists the images below a folder, with the captions and categories of
// the COCO datasets among them. A Job decodes and encodes what is new or has
// changed, several files at a time, and puts it into a store. Items are known by
// stable ids, and their payloads record the size and the time of change of the
// file, so that a second run does only what is left to do. A file that cannot be
// decoded is counted, listed with the reason, and passed over.
//
// The package knows no model: an Encoder is an interface declared here. An
// Origin, kept beside the index, says where the images and the model are.
package build
