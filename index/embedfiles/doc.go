// Package embedfiles makes embeddings once, as files that any program can load: the
// folders of LAION and clip-retrieval, in which row i of img_emb/img_emb_7.npy
// is the vector of an image and row i of metadata/metadata_7.parquet says what
// is known about it.
//
// A Job goes through the shards of a source.Source with ingest.Job, the same
// pipeline that fills an index. A pair is some consecutive shards. Its rows are
// gathered in a small index beside it, under ids that are their places in the
// source, and so are written in the order of the source, whatever the order in
// which they were encoded. That index remembers how far it has come, so that a
// job that was killed loses seconds of work, and it is deleted once the pair is
// published. What is published is never touched again.
package embedfiles
