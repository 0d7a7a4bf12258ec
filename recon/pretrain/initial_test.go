package pretrain

import (
	"encoding/binary"
	"hash/fnv"
	"testing"

	"engram/embed/grad"
	"engram/embed/onnx"
)

// TestASeedKeepsItsFirstValues pins the values that networks begin with: other
// names or draws would give every seed other models.
func TestASeedKeepsItsFirstValues(t *testing.T) {
	n := newNet()
	goldenCLIP.image(n, n.Graph().Data(pixelsName, onnx.Float, grad.Batch, 3, 4, 4))
	goldenCLIP.text(n, n.Graph().Data(idsName, onnx.Int64, grad.Batch, 5))
	goldenCLIP.scale(n)
	params := n.Graph().Params()
	values := grad.NewState(params, n.InitialiseByName(7)).Values()
	sum := fnv.New64a()
	for _, p := range params {
		sum.Write([]byte(p.Name))
		_ = binary.Write(sum, binary.LittleEndian, values[p.Name])
	}
	if got, want := sum.Sum64(), uint64(0xde3fe0537454d3b7); got != want {
		t.Errorf("a CLIP begins with the hash %#x, want %#x", got, want)
	}
}
