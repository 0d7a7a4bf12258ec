// Package source knows every kind of place that an index can be built from: a
// folder of images, COCO, webdataset's tars, LAION's embeddings, Parquet files
// with vectors, generated scenes.
//
// Open returns the Source at a place. A Source lists its shards, such as the
// folders of a tree of images, tars or files of embeddings, and each Shard
// yields its rows in order. Ids follow from names and never from the order of
// things, so that a row that is read twice is one item.
//
// Findings collects what a source meets beside its rows: files and columns that
// are left out, annotations and how many of them found their photo, records that
// are odd. None of these costs a photo. Its Summary is a line per fact.
//
// An Origin, which every Source states, is kept beside the index, so that its
// rows can be found again (FORMAT.md). An index may have several sources: all but
// the first have a label.
//
// A new kind of source is a file with a type that implements Source, and its Kind
// in open.go.
package source
