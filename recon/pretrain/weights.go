package pretrain

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"engram/data/half"
	"engram/embed/onnx"
)

// weightsOf returns the constants of a model file that exportFiles made, by the names of the
// parameters that they were, as float32.
func weightsOf(path string) (map[string][]float32, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	values := map[string][]float32{}
	_, err = rewrite(content, func(field protowire.Number, graph, _ []byte) ([]byte, error) {
		if field != modelGraph {
			return nil, nil
		}
		return rewrite(graph, func(field protowire.Number, message, _ []byte) ([]byte, error) {
			if field != graphTensor {
				return nil, nil
			}
			t, err := parseTensor(message)
			if err == nil {
				values[strings.TrimSuffix(t.name, halfSuffix)] = t.floats()
			}
			return nil, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("pretrain: %s: %w", path, err)
	}
	return values, nil
}

// floats returns the elements of a tensor of float32 or float16, none of another type.
func (t tensor) floats() []float32 {
	switch t.kind {
	case int64(onnx.Float16):
		out := make([]float32, len(t.raw)/2)
		half.Float32s(out, t.raw)
		return out
	case int64(onnx.Float):
		out := make([]float32, len(t.raw)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.raw[4*i:]))
		}
		return out
	}
	return nil
}
