// Package source knows every kind of place that an index can be built from: a
// folder of images, COCO, webdataset's tars, LAION's embeddings, Parquet files
// with vectors, generated scenes.
//
// Open returns the Source at a place. A Source lists its shards, such as the
// folders of a tree of images, tars or files of embeddings, and each Shard
// yields its rows in order. Ids follow from names and never from the order of
// things, so that a row that is read twice is one item.
//
// An Origin, which every Source states, is kept beside the index, so that its
// rows can be found again (FORMAT.md).
//
// A new kind of source is a file with a type that implements Source, and its Kind
// in open.go.
package source
