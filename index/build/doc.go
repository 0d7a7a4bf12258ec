// Package build fills an index from a source, shard by shard, and brings it up
// to date.
//
// A Source lists its shards: the folders of a tree of images, tars, files of
// embeddings. Each yields rows, and a Job puts them into a store: images are
// decoded and encoded several at a time, vectors are stored as they are. Ids
// follow from names and never from the order of things, so that a row that is
// read twice is stored once.
//
// What is done is kept in a Manifest beside the index, so that a build that ends
// early, whatever by, is gone on with, and a second one looks only at shards that
// have changed. In a changed shard an image is known by its size and time or
// checksum, and is not encoded again; what the shard has no longer is deleted.
// What cannot be used, a file, a row or the rest of a damaged shard, is counted,
// listed with the reason, and passed over.
//
// The package knows no model: an Encoder is an interface declared here. An
// Origin, kept beside the index, says where the images and the model are.
package build
