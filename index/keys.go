package index

// The keys under which payloads keep what Engram itself reads or writes. What a
// data set says of an item besides is kept under its own names.
const (
	KeyPath       = "path"        // string: of an image file, relative to the source's root, with slashes
	KeySource     = "source_root" // string: label of the source, in an index of several, where it is not the first
	KeyShard      = "shard"       // string: name of the shard, where it does not follow from the path
	KeyTar        = "tar"         // string: name of the tar with the image, where the shard is a file of embeddings
	KeyKey        = "key"         // string: of the row in its shard
	KeySize       = "size"        // int64: bytes of the image's file
	KeyModified   = "modified"    // string: time of the file's last change, RFC 3339 in UTC
	KeyChecksum   = "crc32c"      // int64: CRC-32C of the image's bytes, where they lie in a larger file
	KeyCaption    = "caption"     // string: of a sample of webdataset or a row of metadata
	KeyCaptions   = "captions"    // []string: what people wrote about the photo (COCO)
	KeyCategories = "categories"  // []string: names of the things in it (COCO)
	KeyNSFW       = "NSFW"        // string: LAION's word for whether an image is safe to show
	KeyUnsafe     = "punsafe"     // float64: LAION's probability that it is not
	KeyURL        = "url"         // string: where on the web the image was
	KeyImagePath  = "image_path"  // string: what clip-retrieval calls the path
)
