package plan

import (
	"math"
	"slices"
)

// localLayout puts everything on one node.
func localLayout() []formula {
	one := func(values) float64 { return 1 }
	return []formula{
		{"shards", "shards", Count, "1", "the embedded engine has one", one},
		{"nodes", "nodes", Count, "1", "the embedded engine runs on one", one},
		{"nodeMemory", "memory of a node", Bytes, "memory", arithmetic,
			func(v values) float64 { return v.of("memory") }},
		{"nodeDisk", "disk of a node", Bytes, "disk", arithmetic,
			func(v values) float64 { return v.of("disk") }},
		fitting(),
	}
}

// fitting is how many items the nodes hold. A node is full when its data take up
// 80 % of its memory, or its disk.
func fitting() formula {
	return formula{"capacity", "items that fit", Count, "floor(n * min(0.8*RAM/nodeMemory, DISK/nodeDisk))", arithmetic,
		func(v values) float64 {
			return math.Floor(v.of("n") * min(0.8*v.of("RAM")/v.of("nodeMemory"), v.of("DISK")/v.of("nodeDisk")))
		}}
}

// qdrantShards is how many shards there are: as many as were asked for, or two
// for every node that the data need, which leaves room to move them.
func qdrantShards(asked bool) formula {
	if asked {
		return formula{"shards", "shards", Count, "S", "as asked for",
			func(v values) float64 { return v.of("S") }}
	}
	return formula{"shards", "shards", Count, "2 * ceil(max(memory / (0.8*RAM), disk / DISK))", "6 to 12 shards for 3 to 6 nodes (qdrant.tech, Horizontal Scaling)",
		func(v values) float64 {
			return 2 * math.Ceil(max(v.of("memory")/(0.8*v.of("RAM")), v.of("disk")/v.of("DISK")))
		}}
}

// qdrantPerNode is how many whole shards a node holds.
func qdrantPerNode() formula {
	return formula{"perNode", "shards that fit a node", Count, "floor(shards * min(0.8*RAM/memory, DISK/disk))", capacity + ": resize at 80 % of the memory",
		func(v values) float64 {
			return math.Floor(v.of("shards") * min(0.8*v.of("RAM")/v.of("memory"), v.of("DISK")/v.of("disk")))
		}}
}

// qdrantLayout gives each node as many whole shards as it holds.
func qdrantLayout() []formula {
	return []formula{
		{"nodes", "nodes", Count, "max(R, ceil(shards*R / perNode))", "replicas of a shard lie on different nodes",
			func(v values) float64 {
				return max(v.of("R"), math.Ceil(v.of("shards")*v.of("R")/v.of("perNode")))
			}},
		{"onNode", "shards on a node", Count, "ceil(shards*R / nodes)", arithmetic,
			func(v values) float64 { return math.Ceil(v.of("shards") * v.of("R") / v.of("nodes")) }},
		{"nodeMemory", "memory of a node", Bytes, "memory * onNode/shards", arithmetic,
			func(v values) float64 { return v.of("memory") * v.of("onNode") / v.of("shards") }},
		{"nodeDisk", "disk of a node", Bytes, "disk * onNode/shards", arithmetic,
			func(v values) float64 { return v.of("disk") * v.of("onNode") / v.of("shards") }},
		fitting(),
	}
}

// encoding is the time of encoders on the processors that decode too, or beside
// them on a device of their own.
func encoding(beside bool) formula {
	if beside {
		return formula{"encodeHours", "encode the images", Hours, "n / min(decode, encode) / E / 3600", measured + ": one machine decodes while it encodes",
			func(v values) float64 { return v.of("n") / min(v.of("decode"), v.of("encode")) / v.of("E") / 3600 }}
	}
	return formula{"encodeHours", "encode the images", Hours, "n * (1/decode + 1/encode) / E / 3600", measured + ": one machine decodes, then encodes",
		func(v values) float64 { return v.of("n") * (1/v.of("decode") + 1/v.of("encode")) / v.of("E") / 3600 }}
}

func localTime(graph bool) []formula {
	times := []formula{
		{"importHours", "import the vectors", Hours, "n * 4*D / load / 3600", measured + ": durable, from float32",
			func(v values) float64 { return v.of("n") * 4 * v.of("D") / v.of("load") / 3600 }},
		{"scanMs", "exact search", Milliseconds, "1000 * memCodes / scan", measured + ": codes over bandwidth, all cores",
			func(v values) float64 { return 1000 * v.of("memCodes") / v.of("scan") }},
	}
	if !graph {
		return times
	}
	size := func(v values) float64 { return v.of("D") / 768 * math.Log(v.of("n")) / math.Log(200000) }
	return slices.Insert(times, 1,
		formula{"linkHours", "build the graphs", Hours, "n * D/768 * log(n)/log(200000) / (elink*cores) / 3600", measured + ": at least, for larger graphs miss caches more",
			func(v values) float64 { return v.of("n") * size(v) / (v.of("elink") * v.of("cores")) / 3600 }},
		formula{"walkMs", "search, on one core", Milliseconds, "ewalk * D/768 * log(n)/log(200000)", measured + ": at least, for a recall of .98",
			func(v values) float64 { return v.of("ewalk") * size(v) }})
}

// depth is the depth of the graph of a shard, but for a factor.
func depth(v values) float64 { return math.Log(max(2, v.of("n")/v.of("shards"))) }

func qdrantTime() []formula {
	return []formula{
		{"importHours", "import the vectors", Hours, "n*R * 4*D / (upload*nodes) / 3600", measured + ": all nodes at once",
			func(v values) float64 {
				return v.of("n") * v.of("R") * 4 * v.of("D") / (v.of("upload") * v.of("nodes")) / 3600
			}},
		{"linkHours", "build the graphs", Hours, "n*R * D/768 * log(max(2, n/shards))/log(200000) / (link*cores*nodes) / 3600", measured + ": at least, for larger graphs miss caches more",
			func(v values) float64 {
				return v.of("n") * v.of("R") * v.of("D") / 768 * depth(v) / math.Log(200000) / (v.of("link") * v.of("cores") * v.of("nodes")) / 3600
			}},
		{"walkMs", "search, on one core", Milliseconds, "walk * D/768 * onNode/R * log(max(2, n/shards))/log(200000)", measured + ": at least, every shard once, without network and re-scoring",
			func(v values) float64 {
				return v.of("walk") * v.of("D") / 768 * v.of("onNode") / v.of("R") * depth(v) / math.Log(200000)
			}},
	}
}

// growth is when the nodes are full.
func growth() formula {
	return formula{"months", "months to the next node", Months, "max(0, capacity - n) / G", arithmetic,
		func(v values) float64 { return max(0, v.of("capacity")-v.of("n")) / v.of("G") }}
}
