package plan

// Sources of formulas.
const (
	ourFormat  = "index/internal/disk/FORMAT.md"
	arithmetic = "arithmetic"
	capacity   = "qdrant.tech, Capacity Planning"
	measured   = "rates"
)

// localMemory is what the embedded engine reads in every exact search; it is
// mapped from disk, and slower where it does not stay in memory.
var localMemory = []formula{
	{"memCodes", "codes", Bytes, "n * 64*ceil(D/64)", ourFormat + ": int8, rows padded to 64"},
	{"memBounds", "scales and bounds", Bytes, "n * (4+4)", ourFormat + ": a float32 scale and residual"},
	{"memIDs", "ids", Bytes, "n * (8+8)", ourFormat + ": id and end of the payload"},
}

var localDisk = []formula{
	{"diskVectors", "vectors", Bytes, "n * 4*16*ceil(D/16)", ourFormat + ": float32, rows padded to 16"},
	{"diskCodes", "codes", Bytes, "memCodes + memBounds", ourFormat},
	{"diskIDs", "ids", Bytes, "memIDs", ourFormat},
	{"diskPayloads", "payloads", Bytes, "n * P", ourFormat},
	{"diskSums", "checksums", Bytes, "(diskVectors + diskCodes + diskIDs + diskPayloads) * 4/4096", ourFormat + ": CRC-32C of every block"},
}

// localSpare is the room for what a flush writes before old files go.
var localSpare = formula{"spareMerge", "free to merge", Bytes, "min(diskData, 1088 * 1048576)", "index/local: a flush rewrites 64 MiB and at most 1 GiB of older segments"}

// qdrantVectors has, for each quantisation, what a search reads in memory.
var qdrantVectors = map[Quantisation]formula{
	None:   {"memVectors", "vectors", Bytes, "n * 4*D", "float32 in memory"},
	Int8:   {"memCodes", "codes", Bytes, "n * (16*ceil(D/16) + 4)", "qdrant quantization/encoded_vectors_u8.rs: padded to 16, a float32 offset"},
	Binary: {"memCodes", "codes", Bytes, "n * 16*ceil(D/128)", "qdrant quantization/encoded_vectors_binary.rs: words of 128 bits"},
}

var qdrantMemory = []formula{
	{"memGraph", "graph", Bytes, "n * 4*(2*M + M/(M-1) + 1)", "Malkov and Yashunin 2018; one number per row for its layer"},
	{"memIDs", "ids", Bytes, "n * (16+16+4)", "qdrant segment/id_tracker: both directions and a version"},
	{"memIndexes", "payload indexes", Bytes, "n * F*(24+4)", "qdrant segment/field_index: an entry and a posting per value"},
}

var qdrantDisk = []formula{
	{"diskVectors", "vectors", Bytes, "n * 4*D", "float32"},
	{"diskGraph", "graph", Bytes, "memGraph", "an upper bound: links are packed on disk"},
	{"diskIDs", "ids", Bytes, "n * (13+8)", "qdrant segment/id_tracker: mapping and version"},
	{"diskPayloads", "payloads", Bytes, "n * (128*ceil(P/128) + 16)", "qdrant gridstore: blocks of 128 and a pointer"},
	{"diskIndexes", "payload indexes", Bytes, "memIndexes", "as in memory"},
}

// qdrantCodes are the codes on disk, where there are any.
var qdrantCodes = formula{"diskCodes", "codes", Bytes, "memCodes", "as in memory"}

var qdrantSpare = formula{"spareMerge", "free to optimise", Bytes, "diskData * 0.5", capacity}

// tokens are kept beside the vectors of both engines.
var tokens = formula{"diskTokens", "tokens", Bytes, "n * T*D*2", "float16"}

// snapshot is the room for one.
var snapshot = formula{"spareSnapshot", "free for a snapshot", Bytes, "diskData", "a snapshot is a copy of the data"}

// localLayout puts everything on one node.
var localLayout = []formula{
	{"shards", "shards", Count, "1", "the embedded engine has one"},
	{"nodes", "nodes", Count, "1", "the embedded engine runs on one"},
	{"nodeMemory", "memory of a node", Bytes, "memory", arithmetic},
	{"nodeDisk", "disk of a node", Bytes, "disk", arithmetic},
	{"capacity", "items that fit", Count, "floor(n * min(0.8*RAM/nodeMemory, DISK/nodeDisk))", arithmetic},
}

// qdrantShards is how many there are where nobody says: two for every node
// that the data need, which leaves room to move them.
var qdrantShards = formula{"shards", "shards", Count, "2 * ceil(max(memory / (0.8*RAM), disk / DISK))", "6 to 12 shards for 3 to 6 nodes (qdrant.tech, Horizontal Scaling)"}

// askedShards is the number of shards that was asked for.
var askedShards = formula{"shards", "shards", Count, "S", "as asked for"}

// qdrantLayout gives each node as many whole shards as it holds. A node holds
// shards up to 80 % of its memory, or up to its disk.
var qdrantLayout = []formula{
	{"perNode", "shards that fit a node", Count, "floor(shards * min(0.8*RAM/memory, DISK/disk))", capacity + ": resize at 80 % of the memory"},
	{"nodes", "nodes", Count, "max(R, ceil(shards*R / perNode))", "replicas of a shard lie on different nodes"},
	{"onNode", "shards on a node", Count, "ceil(shards*R / nodes)", arithmetic},
	{"nodeMemory", "memory of a node", Bytes, "memory * onNode/shards", arithmetic},
	{"nodeDisk", "disk of a node", Bytes, "disk * onNode/shards", arithmetic},
	{"capacity", "items that fit", Count, "floor(n * min(0.8*RAM/nodeMemory, DISK/nodeDisk))", arithmetic},
}

// encodeShared is for encoders on the processors that decode, encodeBeside for
// those on a device of their own.
var (
	encodeShared = formula{"encodeHours", "encode the images", Hours, "n * (1/decode + 1/encode) / E / 3600", measured + ": one machine decodes, then encodes"}
	encodeBeside = formula{"encodeHours", "encode the images", Hours, "n / min(decode, encode) / E / 3600", measured + ": one machine decodes while it encodes"}
)

var localTime = []formula{
	{"importHours", "import the vectors", Hours, "n * 4*D / load / 3600", measured + ": durable, from float32"},
	{"scanMs", "exact search", Milliseconds, "1000 * memCodes / scan", measured + ": codes over bandwidth, all cores"},
}

var qdrantTime = []formula{
	{"importHours", "import the vectors", Hours, "n*R * 4*D / (upload*nodes) / 3600", measured + ": all nodes at once"},
	{"linkHours", "build the graphs", Hours, "n*R * D/768 * log(max(2, n/shards))/log(200000) / (link*cores*nodes) / 3600", measured + ": at least, for larger graphs miss caches more"},
	{"walkMs", "search, on one core", Milliseconds, "walk * D/768 * onNode/R * log(max(2, n/shards))/log(200000)", measured + ": at least, every shard once, without network and re-scoring"},
}

// growth is when the nodes are full.
var growth = formula{"months", "months to the next node", Months, "max(0, capacity - n) / G", arithmetic}
