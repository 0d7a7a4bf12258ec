package layout

import (
	"path"
	"slices"
	"strings"
)

// The precisions of a model that is published in several.
const (
	single  = ""
	half    = "fp16"
	integer = "int8"
)

// suffixes of the names of graphs by precision, the best first. Graphs named _int8
// have ConvInteger with signed weights, which ONNX Runtime 1.22 did not run on the CPU.
var suffixes = map[string][]string{
	single:  {""},
	half:    {"_fp16"},
	integer: {"_quantized", "_uint8", "_int8"},
}

// graph returns the graph with a name at a precision, such as vision_model: at the
// top or under onnx/. It returns "" where there is none in any precision.
func (l *listing) graph(name, precision string) (string, error) {
	var others []string
	for _, p := range []string{precision, single, half, integer} {
		for _, suffix := range suffixes[p] {
			file := name + suffix + ".onnx"
			found := l.first("onnx/"+file, file)
			if found != "" && p == precision {
				return found, nil
			}
			if found != "" {
				others = append(others, found)
			}
		}
	}
	if len(others) == 0 {
		return "", nil
	}
	wanted := "float32"
	if precision != single {
		wanted = precision
	}
	return "", say(ErrPrecision, "%s is not published as %s, only as %s", name, wanted, strings.Join(slices.Compact(others), ", "))
}

// graphFiles returns a graph and the files in which it probably keeps weights
// (external data). Plan.External tells for sure, when the graph is there.
func (l *listing) graphFiles(graph string) []string {
	files := []string{graph}
	dir := path.Dir(graph)
	sure := false
	for name := range l.sizes {
		if strings.HasPrefix(name, graph+"_data") || strings.HasPrefix(name, graph+".data") {
			files, sure = append(files, name), true
		}
	}
	if sure || dir == "." || dir == "onnx" {
		return files
	}
	// Immich's large graphs keep weights in files named after tensors, or by a UUID,
	// and nothing else of that size is in the folder.
	for name := range l.sizes {
		if path.Dir(name) == dir && !slices.Contains(noWeights, path.Ext(name)) {
			files = append(files, name)
		}
	}
	return files
}

// noWeights are endings of files beside a graph that have no weights for it.
var noWeights = []string{".onnx", ".json", ".txt", ".md", ".model", ".armnn", ".rknn", ".spm"}
