package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"engram/data/safetensors"
	"engram/data/vfs"
	"engram/embed/grad"
	"engram/embed/model"
)

// Files of a decoder's folder beside bundle.json.
const (
	modelFile   = "decoder.onnx"
	configFile  = "config.json"
	weightsFile = "weights.safetensors"
)

// Model is a trained decoder: its shape and its arrays by name, flat and
// row-major, matrices [in, out].
type Model struct {
	Config Config
	Values map[string][]float32
	Losses []float32 // mean of each training epoch; empty for the linear preset

	leftOut *leftOutScores // of the training; nil where there is no ridge
}

// Parameters returns the number of elements of all arrays.
func (m *Model) Parameters() int {
	n := 0
	for _, p := range m.Config.parameters() {
		n += p.Size()
	}
	return n
}

// Graph returns the graph for serving: "voxels" [n, V], as measured, to tokens [n, T, D]
// ([n, D] where T is 1) in the target space. Its parameters are among Values.
func (m *Model) Graph() *grad.Node {
	_, tokens := m.Config.serving()
	return tokens
}

// ONNX returns the content of the model file for serving: Graph, whose output is "tokens".
func (m *Model) ONNX() ([]byte, error) {
	l, tokens := m.Config.serving()
	for _, p := range l.Graph().Params() {
		if got := len(m.Values[p.Name]); got != p.Size() {
			return nil, fmt.Errorf("scan: array %s: wanted %d values of shape %v, found %d", p.Name, p.Size(), p.Shape, got)
		}
	}
	return grad.Export(map[string]*grad.Node{tokensName: tokens}, m.Values)
}

// Linear returns the decoder of preset linear that is this one's ridge: the same
// as training linear on the same data gives, but for the map of a first stage. The
// arrays are shared.
func (m *Model) Linear() (*Model, error) {
	c := m.Config
	if c.Rank == 0 {
		return nil, fmt.Errorf("scan: a %s decoder has no ridge", c.Preset)
	}
	linear, err := PresetConfig(PresetLinear, c.Voxels, c.T, c.D)
	if err != nil {
		return nil, err
	}
	linear.Rank, linear.Target, linear.Order = c.Rank, c.Target, c.Order
	return &Model{Config: linear, Values: m.Values, leftOut: m.leftOut}, nil
}

// Save writes a decoder's folder: the weights as safetensors with config.json
// beside them, the model for serving, and bundle.json, a model of kind decoder.
// Nothing of a decoder that was there is touched before all of the new one is
// on the disk. Then bundle.json, without which a folder is no decoder, is removed
// first and written last, and each step is durable before the next one.
func (m *Model) Save(dir string) error {
	if err := m.save(vfs.OS{}, dir); err != nil {
		return fmt.Errorf("scan: save decoder: %w", err)
	}
	return nil
}

func (m *Model) save(fsys vfs.FS, dir string) error {
	if err := vfs.MkdirAllFS(fsys, dir, 0o755); err != nil {
		return err
	}
	staging := filepath.Join(dir, fmt.Sprintf(".decoder-%d", rand.Uint32()))
	if err := fsys.Mkdir(staging, 0o700); err != nil {
		return err
	}
	defer func() { _ = vfs.RemoveAllFS(fsys, staging) }() // what is left there is no decoder
	if err := m.write(fsys, staging); err != nil {
		return err
	}
	if err := fsys.Remove(filepath.Join(dir, model.FileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, names := range [][]string{{}, {weightsFile, configFile, modelFile}, {model.FileName}} {
		for _, name := range names {
			if err := fsys.Rename(filepath.Join(staging, name), filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// write fills an empty folder.
func (m *Model) write(fsys vfs.FS, dir string) error {
	content, err := m.ONNX()
	if err != nil {
		return err
	}
	config, err := json.MarshalIndent(m.Config.saved(), "", "  ")
	if err != nil {
		return err
	}
	tensors := map[string]safetensors.Tensor{}
	for _, p := range m.Config.parameters() {
		tensors[p.Name] = safetensors.Tensor{Shape: p.Shape, Data: m.Values[p.Name]}
	}
	if err := safetensors.WriteFile(fsys, filepath.Join(dir, weightsFile), tensors, nil); err != nil {
		return err
	}
	for name, text := range map[string][]byte{modelFile: content, configFile: append(config, '\n')} {
		if err := vfs.WriteFileFS(fsys, filepath.Join(dir, name), func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		}); err != nil {
			return err
		}
	}
	_, err = model.WriteFS(fsys, dir, m.manifest())
	return err
}

func (m *Model) manifest() model.Manifest {
	c := m.Config
	output := tokensName
	if c.T == 1 {
		output = "embedding"
	}
	return model.Manifest{
		Kind: model.Decoder, Name: c.Preset, Version: "1", Licence: "none stated", Source: "trained by engram train",
		Files: map[string]string{configFile: "", weightsFile: ""},
		Graphs: map[string]model.Graph{"decoder": {
			File: modelFile, Inputs: map[string]string{voxelsName: voxelsName}, Outputs: map[string]string{output: tokensName},
		}},
		T: c.T, D: c.D, Voxels: c.Voxels, Target: c.Target.Fingerprint,
	}
}

// openModel opens a decoder's folder; own says whether it has what Save writes.
func openModel(dir string) (m *model.Model, own bool, err error) {
	m, err = model.Open(dir)
	if err != nil {
		return nil, false, err
	}
	if m.Kind != model.Decoder {
		return nil, false, fmt.Errorf("scan: %s is a model of kind %s, want a decoder", dir, m.Kind)
	}
	_, config := m.Files[configFile]
	_, weights := m.Files[weightsFile]
	return m, config && weights, nil
}

// readConfig reads the shape of a decoder that Save wrote.
func readConfig(m *model.Model) (Config, error) {
	path := m.Path(configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("scan: %w", err)
	}
	var saved savedConfig
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&saved); err != nil {
		return Config{}, fmt.Errorf("scan: %s: %w", path, err)
	}
	c := saved.config()
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if c.Voxels != m.Voxels || c.T != m.T || c.D != m.D || c.Target.Fingerprint != m.Target {
		return c, fmt.Errorf("scan: %s and %s do not describe the same decoder", path, model.FileName)
	}
	return c, nil
}
