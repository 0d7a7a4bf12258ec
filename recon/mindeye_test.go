package recon_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"engram/embed/embedtest"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/recon/lowlevel"
)

// mindEye is what scripts/import_mindeye.py made of a small checkpoint of MindEye's.
const mindEye = "testdata/exported/mindeye"

// The decoder of an imported checkpoint gives tokens to search by, and the backbone
// that the prior takes.
func TestImportedDecoderEqualsPyTorch(t *testing.T) {
	t.Parallel()
	golden := embedtest.Read(t, "mindeye")
	d, err := scan.Open(orttest.Runtime(t), mindEye, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	clip, err := model.Open("../embed/hub/layout/testdata/repositories/exported-tokens")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Config().Target.Fingerprint; got != clip.Fingerprint() {
		t.Errorf("the decoder predicts tokens of %s, the CLIP is %s", got, clip.Fingerprint())
	}
	voxels := golden.Inputs["voxels"].Matrix()
	tokens, err := d.Decode(t.Context(), voxels)
	if err != nil {
		t.Fatal(err)
	}
	backbone, err := d.Backbone(t.Context(), voxels)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "tokens", tokens.Data, golden.Outputs["tokens"].Data, 1e-4)
	embedtest.Near(t, "backbone", backbone.Data, golden.Outputs["backbone"].Data, 1e-4)
}

// The prior's network equals the transformer of dalle2-pytorch, to which MindEye's
// checkpoints belong.
func TestImportedPriorEqualsDALLE2(t *testing.T) {
	t.Parallel()
	golden := embedtest.Read(t, "mindeye")
	m, err := model.Open(mindEye + "/prior")
	if err != nil {
		t.Fatal(err)
	}
	s, err := orttest.Runtime(t).OpenFile(m.GraphPath("prior"), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	graph := m.Graphs["prior"]
	shape := []int64{3, int64(m.T), int64(m.D)}
	predicted := golden.Outputs["backbone"].Float32s()
	for i := range predicted {
		predicted[i] *= float32(m.Scale.Factor)
	}
	out := ort.Tensors{graph.Outputs["tokens"]: nil}
	err = s.Run(t.Context(), ort.Tensors{
		graph.Inputs["predicted"]: {Shape: shape, Data: predicted},
		graph.Inputs["noisy"]:     {Shape: shape, Data: golden.Inputs["noisy"].Float32s()},
		graph.Inputs["time"]:      {Shape: []int64{3}, Data: golden.Inputs["time"].Float32s()},
	}, out)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "clean tokens", out[graph.Outputs["tokens"]].Data.([]float32), golden.Outputs["clean"].Data, 1e-4)
}

// The low-level network has half precision inside, and predicts the latents of its own
// autoencoder alone.
func TestImportedLowLevelEqualsPyTorch(t *testing.T) {
	t.Parallel()
	rt, golden := orttest.Runtime(t), embedtest.Read(t, "mindeye")
	p, err := lowlevel.Open(rt, mindEye+"/lowlevel", exported(t, "versatile", "autoencoder"), ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	latents, err := p.Predict(t.Context(), golden.Inputs["voxels"].Matrix())
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "latents", latents, golden.Outputs["latent"].Data, 3e-2)

	_, err = lowlevel.Open(rt, mindEye+"/lowlevel", exported(t, "unclip", "autoencoder"), ort.SessionOptions{})
	if !errors.Is(err, lowlevel.ErrMismatch) || !strings.Contains(err.Error(), "predicts the latents of another autoencoder") {
		t.Errorf("another pipeline's autoencoder: error is %v, want %v", err, lowlevel.ErrMismatch)
	}
}

// A decoder whose graph has other tokens than its manifest says is refused.
func TestImportedDecoderOfAnotherShapeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(mindEye)); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	other := m.Manifest
	other.T = 34
	if _, err := model.Write(dir, other); err != nil {
		t.Fatal(err)
	}
	if d, err := scan.Open(orttest.Runtime(t), dir, ort.SessionOptions{}); !errors.Is(err, ort.ErrMismatch) || !strings.Contains(err.Error(), "[?,34,16]") {
		if err == nil {
			d.Close()
		}
		t.Errorf("error is %v, want %v with the shape [?,34,16]", err, ort.ErrMismatch)
	}
}
