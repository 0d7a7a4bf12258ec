package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	"engram/data/atomicfile"
	"engram/data/safetensors"
	"engram/embed/bundle"
	"engram/embed/grad"
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
}

// Parameters returns the number of elements of all arrays.
func (m *Model) Parameters() int {
	n := 0
	for _, p := range m.Config.parameters() {
		n += p.Size()
	}
	return n
}

// ONNX returns the content of the model file for serving: "voxels" [n, V], as measured, to "tokens"
// [n, T, D] ([n, D] where T is 1) in the target space.
func (m *Model) ONNX() ([]byte, error) {
	l, tokens := m.Config.serving()
	for _, p := range l.graph.Params() {
		if got := len(m.Values[p.Name]); got != p.Size() {
			return nil, fmt.Errorf("scan: array %s: wanted %d values of shape %v, found %d", p.Name, p.Size(), p.Shape, got)
		}
	}
	return grad.Export(map[string]*grad.Node{tokensName: tokens}, m.Values)
}

// Save writes a decoder's folder: the weights as safetensors with config.json
// beside them, the model for serving, and bundle.json, a bundle of kind
// decoder, last. A folder without bundle.json is no decoder, so that a write
// that was cut short is never opened.
func (m *Model) Save(dir string) error {
	content, err := m.ONNX()
	if err != nil {
		return err
	}
	config, err := json.MarshalIndent(m.Config, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("scan: save decoder: %w", err)
	}
	if err := os.Remove(filepath.Join(dir, bundle.FileName)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("scan: save decoder: %w", err)
	}
	tensors := map[string]safetensors.Tensor{}
	for _, p := range m.Config.parameters() {
		tensors[p.Name] = safetensors.Tensor{Shape: p.Shape, Data: m.Values[p.Name]}
	}
	if err := safetensors.WriteFile(filepath.Join(dir, weightsFile), tensors, nil); err != nil {
		return fmt.Errorf("scan: save decoder: %w", err)
	}
	for name, text := range map[string][]byte{modelFile: content, configFile: append(config, '\n')} {
		if err := atomicfile.Write(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(text))
			return err
		}); err != nil {
			return fmt.Errorf("scan: save decoder: %w", err)
		}
	}
	_, err = bundle.Write(dir, m.manifest())
	return err
}

func (m *Model) manifest() bundle.Manifest {
	c := m.Config
	output := tokensName
	if c.T == 1 {
		output = "embedding"
	}
	return bundle.Manifest{
		Kind: bundle.Decoder, Name: c.Preset, Version: "1", Licence: "none stated", Source: "trained by engram train",
		Files: map[string]string{configFile: "", weightsFile: ""},
		Models: map[string]bundle.Model{"decoder": {
			File: modelFile, Inputs: map[string]string{voxelsName: voxelsName}, Outputs: map[string]string{output: tokensName},
		}},
		T: c.T, D: c.D, Voxels: c.Voxels, Target: c.Target.Bundle,
	}
}

// Load reads the weights that Save wrote.
func Load(dir string) (*Model, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, weightsFile)
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	m := &Model{Config: config, Values: map[string][]float32{}}
	for _, p := range config.parameters() {
		data, ok := tensors[p.Name].Data.([]float32)
		if !ok || len(data) != p.Size() {
			return nil, fmt.Errorf("scan: %s: wanted %s as float32 of shape %v, found shape %v", path, p.Name, p.Shape, tensors[p.Name].Shape)
		}
		m.Values[p.Name] = data
		delete(tensors, p.Name)
	}
	for name := range maps.Keys(tensors) {
		return nil, fmt.Errorf("scan: %s: a %s decoder has no array %s", path, config.Preset, name)
	}
	return m, nil
}

func readConfig(dir string) (Config, error) {
	var c Config
	path := filepath.Join(dir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("scan: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("scan: %s: %w", path, err)
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
