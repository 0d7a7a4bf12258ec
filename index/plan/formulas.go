package plan

import (
	"math"

	"engram/index"
	"engram/index/internal/disk"
	"engram/index/local"
)

// Sources of formulas.
const (
	ourFormat  = "index/internal/disk/FORMAT.md"
	arithmetic = "arithmetic"
	capacity   = "qdrant.tech, Capacity Planning"
	measured   = "rates"
)

// row is what a row takes up in the embedded engine.
func row(v values) disk.RowSize { return disk.RowSizes(int(v.of("D"))) }

// localMemory is what the embedded engine reads in every search; it is mapped from
// disk, and slower where it does not stay in memory.
func localMemory() []formula {
	return []formula{
		{"memCodes", "codes", Bytes, "n * 64*ceil(D/64)", ourFormat + ": int8, rows padded to 64",
			func(v values) float64 { return v.of("n") * float64(row(v).Code) }},
		{"memGraph", "graph", Bytes, "n * 4*L", ourFormat + ": 48 numbers of a row, from 20,000 items on",
			func(v values) float64 { return v.of("n") * 4 * v.of("L") }},
		{"memBounds", "scales and bounds", Bytes, "n * (4+4)", ourFormat + ": a float32 scale and residual",
			func(v values) float64 { return v.of("n") * float64(row(v).Scale+row(v).Residual) }},
		{"memIDs", "ids", Bytes, "n * (8+8)", ourFormat + ": id and end of the payload",
			func(v values) float64 { return v.of("n") * float64(row(v).ID+row(v).End) }},
	}
}

func localDisk() []formula {
	return []formula{
		{"diskVectors", "vectors", Bytes, "n * 4*16*ceil(D/16)", ourFormat + ": float32, rows padded to 16",
			func(v values) float64 { return v.of("n") * float64(row(v).Vector) }},
		{"diskCodes", "codes", Bytes, "memCodes + memBounds", ourFormat,
			func(v values) float64 { return v.of("memCodes") + v.of("memBounds") }},
		{"diskGraph", "graph", Bytes, "memGraph", ourFormat,
			func(v values) float64 { return v.of("memGraph") }},
		{"diskIDs", "ids", Bytes, "memIDs", ourFormat,
			func(v values) float64 { return v.of("memIDs") }},
		{"diskPayloads", "payloads", Bytes, "n * P", ourFormat,
			func(v values) float64 { return v.of("n") * v.of("P") }},
		{"diskSums", "checksums", Bytes, "(diskVectors + diskCodes + diskGraph + diskIDs + diskPayloads) * 4/4096", ourFormat + ": CRC-32C of every block",
			func(v values) float64 {
				return (v.of("diskVectors") + v.of("diskCodes") + v.of("diskGraph") + v.of("diskIDs") + v.of("diskPayloads")) * disk.SumSize / disk.BlockSize
			}},
	}
}

// localSpare is the room for what is written before old files go: by a flush, and, where
// there is a graph, by the end of a load, which writes all rows once more.
func localSpare(graph bool) formula {
	if graph {
		return formula{"spareMerge", "free to merge", Bytes, "diskData", "index/local: a graph is built of rows that are written as one segment",
			func(v values) float64 { return v.of("diskData") }}
	}
	return formula{"spareMerge", "free to merge", Bytes, "min(diskData, 1088 * 1048576)", "index/local: a flush rewrites 64 MiB and at most 1 GiB of older segments",
		func(v values) float64 { return min(v.of("diskData"), local.FlushSpace) }}
}

// qdrantVectors is what a search reads in memory with a quantisation.
func qdrantVectors(q index.Quantisation) formula {
	switch q {
	case index.Unquantised:
		return formula{"memVectors", "vectors", Bytes, "n * 4*D", "float32 in memory",
			func(v values) float64 { return v.of("n") * 4 * v.of("D") }}
	case index.Binary:
		return formula{"memCodes", "codes", Bytes, "n * 16*ceil(D/128)", "qdrant quantization/encoded_vectors_binary.rs: words of 128 bits",
			func(v values) float64 { return v.of("n") * 16 * math.Ceil(v.of("D")/128) }}
	}
	return formula{"memCodes", "codes", Bytes, "n * (16*ceil(D/16) + 4)", "qdrant quantization/encoded_vectors_u8.rs: padded to 16, a float32 offset",
		func(v values) float64 { return v.of("n") * (16*math.Ceil(v.of("D")/16) + 4) }}
}

func qdrantMemory() []formula {
	return []formula{
		{"memGraph", "graph", Bytes, "n * 4*(2*M + M/(M-1) + 1)", "Malkov and Yashunin 2018; one number per row for its layer",
			func(v values) float64 { m := v.of("M"); return v.of("n") * 4 * (2*m + m/(m-1) + 1) }},
		{"memIDs", "ids", Bytes, "n * (16+16+4)", "qdrant segment/id_tracker: both directions and a version",
			func(v values) float64 { return v.of("n") * (16 + 16 + 4) }},
		{"memIndexes", "payload indexes", Bytes, "n * F*(24+4)", "qdrant segment/field_index: an entry and a posting per value",
			func(v values) float64 { return v.of("n") * v.of("F") * (24 + 4) }},
	}
}

func qdrantDisk() []formula {
	return []formula{
		{"diskVectors", "vectors", Bytes, "n * 4*D", "float32",
			func(v values) float64 { return v.of("n") * 4 * v.of("D") }},
		{"diskGraph", "graph", Bytes, "memGraph", "an upper bound: links are packed on disk",
			func(v values) float64 { return v.of("memGraph") }},
		{"diskIDs", "ids", Bytes, "n * (13+8)", "qdrant segment/id_tracker: mapping and version",
			func(v values) float64 { return v.of("n") * (13 + 8) }},
		{"diskPayloads", "payloads", Bytes, "n * (128*ceil(P/128) + 16)", "qdrant gridstore: blocks of 128 and a pointer",
			func(v values) float64 { return v.of("n") * (128*math.Ceil(v.of("P")/128) + 16) }},
		{"diskIndexes", "payload indexes", Bytes, "memIndexes", "as in memory",
			func(v values) float64 { return v.of("memIndexes") }},
	}
}

// qdrantCodes are the codes on disk, where there are any.
func qdrantCodes() formula {
	return formula{"diskCodes", "codes", Bytes, "memCodes", "as in memory",
		func(v values) float64 { return v.of("memCodes") }}
}

func qdrantSpare() formula {
	return formula{"spareMerge", "free to optimise", Bytes, "diskData * 0.5", capacity,
		func(v values) float64 { return v.of("diskData") * 0.5 }}
}

// localTokens are rows of a file of their own, with its checksums.
func localTokens(kind index.TokenKind) formula {
	f := formula{"diskTokens", "tokens", Bytes, "n * T*d*2 * (1 + 4/4096)", ourFormat + ": float16, CRC-32C of every block",
		func(v values) float64 {
			return v.of("n") * v.of("T") * v.of("d") * 2 * (1 + disk.SumSize/float64(disk.BlockSize))
		}}
	if kind == index.TokensInt8 {
		f.text, f.source = "n * T*(d + 4) * (1 + 4/4096)", ourFormat+": int8 and a float32 scale of a token, CRC-32C of every block"
		f.value = func(v values) float64 {
			return v.of("n") * v.of("T") * (v.of("d") + 4) * (1 + disk.SumSize/float64(disk.BlockSize))
		}
	}
	return f
}

// qdrantTokens are multivectors without a graph.
func qdrantTokens(kind index.TokenKind) formula {
	const each = "qdrant segment/vector_storage/multi_dense: offset, count and capacity of an item"
	if kind == index.TokensInt8 {
		return formula{"diskTokens", "tokens", Bytes, "n * (T*(d + 4) + 12)", each + "; uint8, a token's scale is 4 of them",
			func(v values) float64 { return v.of("n") * (v.of("T")*(v.of("d")+4) + 12) }}
	}
	return formula{"diskTokens", "tokens", Bytes, "n * (T*d*2 + 12)", each + "; float16",
		func(v values) float64 { return v.of("n") * (v.of("T")*v.of("d")*2 + 12) }}
}

// snapshot is the room for one.
func snapshot() formula {
	return formula{"spareSnapshot", "free for a snapshot", Bytes, "diskData", "a snapshot is a copy of the data",
		func(v values) float64 { return v.of("diskData") }}
}
