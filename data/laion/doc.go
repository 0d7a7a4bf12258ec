// Package laion reads and writes embeddings in the layout of LAION and
// clip-retrieval, and reads Parquet files with a column of embeddings.
//
// A LAION folder is cut into shards. Row i of img_emb/img_emb_7.npy (or of
// text_emb/text_emb_7.npy, its caption's embedding) is a vector of float16 or
// float32, row i of metadata/metadata_7.parquet what is known about it: url,
// caption, NSFW, punsafe, similarity and so on, in whatever columns there are.
//
// List finds the shards and says of each that cannot be used why; ListParquet
// does so for Parquet files that hold vectors and metadata in one table. Open
// streams a shard of either kind: float32 vectors with their lengths, and
// payloads in the types of package parquet. A row whose vector is unusable says
// so and the rest goes on; a broken file is an error.
//
// Writer makes such a folder, pair by pair. The metadata of a pair appears after
// its embeddings, and both under their names only when they are whole, so that a
// reader never takes half a pair for a shard; Done says which pairs are there
// and where to go on. Neither side scales vectors to unit length.
//
// clip-retrieval (clip_inference/writer.py) writes this layout, and LAION-400M was
// released in it (laion.ai/blog/laion-400-open-dataset).
package laion
