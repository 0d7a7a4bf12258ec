// Package embedfiles embeds a source into files that any program can load, in the
// layout of LAION and clip-retrieval: row i of img_emb/img_emb_7.npy is the vector
// of an image, and row i of metadata/metadata_7.parquet is what is known about it.
// FORMAT.md describes the other files of the folder.
//
// A Job reads the shards of a source with ingest.Job, the pipeline that fills an
// index. Some consecutive shards make a pair of files. The rows of a pair are
// gathered in a small index beside it, the spool, under ids that are their places
// in the source. So they are written in the order of the source, in whatever order
// they were encoded. The spool has a ledger, so that a job that is killed loses
// seconds of work. It is deleted once the pair is published, and a published pair
// is never changed.
package embedfiles
