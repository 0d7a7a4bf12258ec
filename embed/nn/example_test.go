package nn_test

import (
	"fmt"

	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
)

// A vision transformer of one block: patches of an image to one vector.
func Example() {
	n := nn.New(nn.TransformerStyle())
	pixels := n.Graph().Data("pixels", onnx.Float, grad.Batch, 3, 32, 32)
	x := n.Linear("patch", nn.Patches(pixels, 8), 64)
	x = grad.Add(x, n.Table("position", 16, 64))
	x = n.Transformer("blocks", x, nil, nn.Transformer{Layers: 1, Heads: 4})
	embedding := n.Linear("project", grad.Mean(n.Norm("norm", x), 1), 10)
	fmt.Println(embedding.Shape(), len(n.Graph().Params()), n.Graph().Params()[0].Name)
	// Output: [-1 10] 23 patch.weight
}
