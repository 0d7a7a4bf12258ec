// Package ingest fills an index from a source, shard by shard, and brings it up
// to date.
//
// A Job reads the rows of the shards and puts them into a store: images are
// decoded and encoded several at a time, vectors are stored as they are.
//
// What is done is kept in a Ledger beside the index. A build that ends early,
// for whatever reason, goes on where it was, and a second one looks only at
// shards that have changed. In a changed shard an image is known by its size
// and time or checksum and is not encoded again; rows that the shard has no
// longer are deleted. What cannot be used, a file, a row or the rest of a
// damaged shard, is counted, listed with the reason, and passed over.
//
// The package knows no model: an Encoder is an interface declared here.
package ingest
