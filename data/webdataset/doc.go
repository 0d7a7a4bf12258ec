// Package webdataset reads images with captions and metadata from tars, in the
// layout of the Python package webdataset and of img2dataset, which fills it.
//
// A sample is what follows each other in the tar and shares its name up to the
// first dot of the last element:
//
//	000000017.jpg    the image, of any kind that a folder of images may have
//	000000017.txt    the caption (or .caption, .text)
//	000000017.cls    any other text: a class, say
//	000000017.json   what else is known: url, width, height, similarity …
//
// ReadFile yields the samples of one tar, which may be compressed with gzip or
// zstd. What is wrong with one sample is yielded as an error together with what
// could be read of it, and the sequence goes on; where the tar itself is
// damaged an ArchiveError says how far it was good, and the sequence ends.
// Sample.Image, Sample.Caption and Sample.Metadata give the parts that an index
// wants. Nothing is ever written to disk, so names may be what they like.
//
// # What belongs to a sample
//
// Files are grouped by webdataset's rules: folders are part of the key, extensions
// are in lower case and may have several parts (seg.png), links, folders and
// names such as __meta__ are passed over, as are files without an extension.
// There are three differences. Hidden files, whose name begins with a dot, are
// passed over in every folder. A key that comes again later in the tar is
// reported, since its files were meant to be one sample. And where a tar lacks the
// zeros that end it, or has links or files without an extension, Options.Notice is told.
//
// # img2dataset
//
// A shard is 00042.tar beside 00042_stats.json and 00042.parquet. List finds
// the shards of a folder or of a pattern, ReadStats reads the counts, and Check
// compares them with the tar. All metadata of a sample stands in the json of
// the tar too, so the parquet is not read; it has the failed downloads as well.
package webdataset
