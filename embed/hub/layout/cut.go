package layout

import (
	"fmt"
	"io"
	"path"
	"path/filepath"

	"engram/data/vfs"
	"engram/embed/onnx"
)

// cut writes a part of the graph to a file beside it, so that weights outside the graph
// are found, and returns the new graph.
func (g *inspected) cut(dir, name string, part onnx.Cut) (inspected, error) {
	file := path.Join(path.Dir(g.file), name)
	f, size, err := openGraph(dir, g.file)
	if err != nil {
		return *g, err
	}
	defer f.Close()
	err = vfs.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), func(w io.Writer) error {
		return onnx.Extract(f, size, part, w)
	})
	if err != nil {
		return *g, fmt.Errorf("%s: %w", g.file, err)
	}
	return inspect(dir, file)
}

// The graphs that Finish cuts out of published ones.
const (
	cutImage = "image.onnx"
	cutText  = "text.onnx"
)

// firstToken writes the graph with token 0 of its states [n, T, D] as its output
// [n, D]: the class token, after the last normalisation. It is what transformers calls
// the pooler_output of a DINOv2 (modeling_dinov2.py).
func (p *Plan) firstToken(g inspected, dir string, states onnx.Value) (finished, error) {
	if len(states.Shape) != 3 {
		return finished{}, say(ErrLayout, "%s: %s has shape %v, wanted [n T D]", g.file, states.Name, states.Shape)
	}
	token := onnx.Value{Name: "class_token", Type: states.Type, Shape: []int64{states.Shape[0], states.Shape[2]}, Dims: []string{states.Dims[0], "dim"}}
	g, err := g.cut(dir, cutImage, onnx.Cut{
		Outputs: []string{token.Name},
		Append: []onnx.Node{{
			Op: "Gather", Inputs: []string{states.Name, "class_token_index"}, Outputs: []string{token.Name},
			Attrs: []onnx.Attr{{Name: "axis", Value: int64(1)}},
		}},
		Consts: []onnx.Tensor{{Name: "class_token_index", Type: onnx.Int64, Data: []int64{0}}},
		Values: []onnx.Value{token},
	})
	if err != nil {
		return finished{}, err
	}
	return g.finishImage(token, p.preprocess)
}
