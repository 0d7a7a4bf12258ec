package pretrain

import (
	"testing"

	"engram/embed/embedtest"
	"engram/embed/grad"
	"engram/embed/grad/gradtest"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// tolerance is how far float32 results may be from PyTorch's float64.
const tolerance = 2e-5

// The sizes of the golden networks.
var (
	goldenCLIP = CLIPShape{
		ImageSize: 4, Patch: 2, Width: 4, Image: nn.Transformer{Layers: 1, Heads: 2},
		Words: 7, Context: 5, TextWidth: 4, Text: nn.Transformer{Layers: 1, Heads: 2}, Dim: 3,
	}
	goldenAutoencoder = AutoencoderShape{ImageSize: 4, Patch: 2, Width: 4, Layers: nn.Transformer{Layers: 1, Heads: 2}, Channels: 3}
	goldenDenoiser    = DenoiserShape{Width: 4, Layers: nn.Transformer{Layers: 1, Heads: 2}, Tokens: 5, Dim: 3, Channels: 3, Side: 2}
)

// compute runs a network with the parameters and inputs of a golden case and
// compares its outputs. It must have exactly the parameters of the case.
func compute(t *testing.T, c embedtest.Case, n *nn.Net, outputs map[string]*grad.Node) {
	t.Helper()
	values := map[string][]float32{}
	for _, p := range n.Graph().Params() {
		want, ok := c.Params[p.Name]
		if !ok || len(want.Data) != p.Size() {
			t.Fatalf("parameter %s has shape %v, the reference has %v", p.Name, p.Shape, want.Shape)
		}
		values[p.Name] = want.Float32s()
	}
	if len(values) != len(c.Params) {
		t.Errorf("%d parameters, the reference has %d", len(values), len(c.Params))
	}
	content, err := grad.Export(outputs, values)
	if err != nil {
		t.Fatal(err)
	}
	s, err := orttest.Runtime(t).OpenBytes("golden", content, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, out := ort.Tensors{}, ort.Tensors{}
	for name, a := range c.Inputs {
		in[name] = &ort.Tensor{Data: a.Float32s()}
		if name == idsName {
			in[name].Data = int64s(a)
		}
		for _, d := range a.Shape {
			in[name].Shape = append(in[name].Shape, int64(d))
		}
	}
	for name := range outputs {
		out[name] = nil
	}
	if err := s.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	for name := range outputs {
		embedtest.Near(t, name, out[name].Data.([]float32), c.Outputs[name].Data, tolerance)
	}
}

func int64s(a embedtest.Array) []int64 {
	out := make([]int64, len(a.Data))
	for i, x := range a.Data {
		out[i] = int64(x)
	}
	return out
}

func TestCLIPAgreesWithPyTorch(t *testing.T) {
	n := newNet()
	tokens := goldenCLIP.image(n, n.Graph().Data(pixelsName, onnx.Float, grad.Batch, 3, 4, 4))
	compute(t, embedtest.Read(t, "clip_image"), n, map[string]*grad.Node{"tokens": tokens})

	n = newNet()
	embedding := goldenCLIP.text(n, n.Graph().Data(idsName, onnx.Int64, grad.Batch, 5))
	compute(t, embedtest.Read(t, "clip_text"), n, map[string]*grad.Node{"embedding": embedding})
}

func TestAutoencoderAgreesWithPyTorch(t *testing.T) {
	n := newNet()
	latent := goldenAutoencoder.encode(n, n.Graph().Data(pixelsName, onnx.Float, grad.Batch, 3, 4, 4))
	pixels := goldenAutoencoder.decode(n, latent)
	compute(t, embedtest.Read(t, "autoencoder"), n, map[string]*grad.Node{
		latentName: nn.Unpatches(latent, 1), outputName: pixels,
	})
}

func TestDenoiserAgreesWithPyTorch(t *testing.T) {
	n := newNet()
	predicted := goldenDenoiser.denoise(n, n.Graph().Data(latentName, onnx.Float, grad.Batch, 3, 2, 2),
		n.Graph().Data(timeName, onnx.Float, grad.Batch), n.Graph().Data(contextName, onnx.Float, grad.Batch, 5, 3))
	compute(t, embedtest.Read(t, "denoiser"), n, map[string]*grad.Node{predictionName: predicted})
}

func TestContrastAgreesWithPyTorch(t *testing.T) {
	c := embedtest.Read(t, "contrast")
	g := grad.NewGraph()
	image, text, scale := g.Param("image", false, 5, 4), g.Param("text", false, 5, 4), g.Param("scale", false, 1)
	loss := contrast(image.Node(), text.Node(), scale.Node(), g.Data(meaningName, onnx.Int64, 5))
	outputs := map[string]*grad.Node{"loss": loss}
	for i, d := range grad.Gradients(loss, nil, image.Node(), text.Node(), scale.Node()) {
		outputs["d."+g.Params()[i].Name] = d
	}
	in := ort.Tensors{meaningName: {Shape: []int64{5}, Data: int64s(c.Inputs[meaningName])}}
	for _, p := range g.Params() {
		in[p.Name] = &ort.Tensor{Data: c.Inputs[p.Name].Float32s()}
		for _, d := range p.Shape {
			in[p.Name].Shape = append(in[p.Name].Shape, int64(d))
		}
	}
	out := gradtest.Call(t, orttest.Runtime(t), outputs, in)
	embedtest.Near(t, "loss", out["loss"], c.Outputs["loss"].Data, tolerance)
	for _, p := range g.Params() {
		embedtest.Near(t, "gradient of "+p.Name, out["d."+p.Name], c.Grads[p.Name].Data, tolerance)
	}
}
