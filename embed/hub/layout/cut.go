package layout

import (
	"fmt"

	"engram/embed/onnx"
)

// cut writes the part of the graph that one output needs to a file beside it.
func (g *inspected) cut(dir, name, output string) (inspected, error) {
	return *g, fmt.Errorf("%s has both towers in one graph: %w", g.file, ErrLayout)
}

// firstToken writes the graph with token 0 of its states as its output.
func (p *Plan) firstToken(g inspected, output onnx.Value) (finished, error) {
	return finished{}, fmt.Errorf("%s gives %s alone: %w", g.file, output.Name, ErrLayout)
}
